"""Tests of joint placement and packing."""

from __future__ import annotations
