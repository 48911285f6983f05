"""Tests of models as tables of layers."""

from __future__ import annotations
