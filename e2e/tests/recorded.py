"""Recorded expositions of servers and exporters that cannot run here, made to grow as the real ones would."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "expositions"

_SAMPLE: Final = re.compile(r"^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$")
_GROWING: Final = {"counter": ("",), "histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


def names() -> list[str]:
    """Return the names of all recordings."""
    return sorted(path.stem for path in FOLDER.glob("*.prom"))


def growing(name: str) -> Callable[[], str]:
    """Return what exposes the recording ``name``: each counter grows by its recorded value every second."""
    text, began = (FOLDER / f"{name}.prom").read_text(), time.monotonic()
    series = _counters(text)

    def page() -> str:
        seconds = time.monotonic() - began
        return "\n".join(_grown(line, series, seconds) for line in text.splitlines() if line) + "\n"

    return page


def _counters(text: str) -> set[str]:
    types = re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE)
    return {name + suffix for name, kind in types for suffix in _GROWING.get(kind, ())}


def _grown(line: str, series: set[str], seconds: float) -> str:
    found = _SAMPLE.match(line)
    if found is None or found[1] not in series:
        return line
    return f"{found[1]}{found[2] or ''} {float(found[3]) * seconds}"
