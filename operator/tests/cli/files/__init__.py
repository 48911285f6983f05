"""Tests of how files are read and judged."""

from __future__ import annotations
