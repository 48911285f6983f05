"""Tests of `aif kpi`."""

from __future__ import annotations
