"""Tests of `aif.gateways`."""

from __future__ import annotations
