"""Tests of moves as people see them."""

from __future__ import annotations
