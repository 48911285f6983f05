"""Figures in SI units as people read them, with the prefix that leaves one to three digits before the point."""

from __future__ import annotations

from math import floor, log10
from typing import Final

_PREFIXES: Final = {-12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_STEP: Final = 3
_KEPT: Final = 1000


def si(value: float, unit: str) -> str:
    """Return a figure with its unit, such as ``4.05 ms``, ``2.18 Mbit/J`` or ``0 J``."""
    if value == 0.0:
        return f"0 {unit}"
    exponent = _STEP * floor(log10(abs(value)) / _STEP)
    # What rounds to 1000 takes the next prefix.
    exponent += _STEP if abs(float(f"{value / 10.0**exponent:.3g}")) >= _KEPT else 0
    exponent = min(max(exponent, min(_PREFIXES)), max(_PREFIXES))
    return f"{value / 10.0**exponent:.3g} {_PREFIXES[exponent]}{unit}"


def share(value: float) -> str:
    """Return a share of 1, such as ``71.59 %``."""
    return f"{100.0 * value:.2f} %"
