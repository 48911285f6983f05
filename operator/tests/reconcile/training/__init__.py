"""Tests of `aif.reconcile.training`."""

from __future__ import annotations
