"""Tests of `aif.gateways.kubernetes`, most against the fake API server."""

from __future__ import annotations
