"""The pure scheduling cycle: filter, score, reserve, and an explanation of the choice."""

from __future__ import annotations
