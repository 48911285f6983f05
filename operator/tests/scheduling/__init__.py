"""Tests of `aif.scheduling`."""

from __future__ import annotations
