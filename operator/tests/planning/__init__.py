"""Tests of `aif.planning`."""

from __future__ import annotations
