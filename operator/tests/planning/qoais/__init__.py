"""Tests of QoAIS."""

from __future__ import annotations
