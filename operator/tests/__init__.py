"""Tests of `aif`, in folders that mirror its packages."""

from __future__ import annotations
