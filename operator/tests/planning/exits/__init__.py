"""Tests of early exits and cascades."""

from __future__ import annotations
