"""Tests of the split planner."""

from __future__ import annotations
