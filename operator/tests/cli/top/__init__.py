"""Tests of `aif top`."""

from __future__ import annotations
