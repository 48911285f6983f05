"""Tests of figures of merit."""

from __future__ import annotations
