"""Structured logs: one JSON object per line, or coloured text on a terminal."""

from __future__ import annotations

from typing import Literal, TextIO


def configure(level: str, form: Literal["auto", "json", "text"] = "auto", stream: TextIO | None = None) -> None:
    """Send all logs to ``stream`` (standard error), from ``level`` up; call once, at the start."""
    raise NotImplementedError
