"""Tests of `aif simulate`."""

from __future__ import annotations
