"""Tests of user groups that move."""

from __future__ import annotations
