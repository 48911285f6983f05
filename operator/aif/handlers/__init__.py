"""The edge to kopf, a module per kind: parse, call, return."""

from __future__ import annotations
