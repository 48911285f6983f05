"""Tests of `aif train`."""

from __future__ import annotations
