"""Bandwidth, compute and compression of one site, shared out to its tasks; simpler ways beside it ([MCFN])."""

from __future__ import annotations
