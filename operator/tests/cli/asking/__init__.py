"""Tests of what a person asks for."""

from __future__ import annotations
