"""Tests of `aif plan`."""

from __future__ import annotations
