"""Tests of explanations and history."""

from __future__ import annotations
