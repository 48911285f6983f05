"""Tests of the joint allocation of a site."""

from __future__ import annotations
