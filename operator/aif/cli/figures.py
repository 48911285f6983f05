"""Figures as people read them, made of the integers that the kinds carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from aif.api.quantity import Quantity, format_amount

ABSENT: Final = "-"
_THOUSAND: Final = 1000


def duration(microseconds: int) -> str:
    """Return a time, such as ``800 us``, ``5.3 ms`` or ``1.2 s``."""
    if microseconds < _THOUSAND:
        return f"{microseconds} us"
    if microseconds < _THOUSAND**2:
        return f"{_short(microseconds / 1e3)} ms"
    return f"{_short(microseconds / 1e6)} s"


def energy(millijoules: int) -> str:
    """Return an energy, such as ``750 mJ`` or ``2.2 J``."""
    return f"{millijoules} mJ" if millijoules < _THOUSAND else f"{_short(millijoules / 1e3)} J"


def accuracy(basis_points: int) -> str:
    """Return a share, such as ``71.59 %``."""
    return f"{basis_points / 100:.2f} %"


def availability(ppm: int) -> str:
    """Return a share with all digits that count, such as ``99.99 %``."""
    return f"{format(ppm / 10_000, '.4f').rstrip('0').rstrip('.')} %"


UNITS: Final[Mapping[str, tuple[str, Callable[[int], str]]]] = {
    "latency": ("us", duration),
    "energy": ("mJ", energy),
    "accuracy": ("bp", accuracy),
    "availability": ("ppm", availability),
}
"""Unit of each dimension of a contract, and how a value of it reads."""


def in_unit(dimension: str, value: int | None) -> str:
    """Return a value of a dimension with its unit; a dash where there is none."""
    if value is None:
        return ABSENT
    return UNITS[dimension][1](value) if dimension in UNITS else str(value)


def optional(value: int | None, reads: Callable[[int], str]) -> str:
    """Return ``value`` as ``reads`` puts it; a dash where there is none."""
    return ABSENT if value is None else reads(value)


def binary(amount: float) -> str:
    """Return an amount of memory, such as ``40Gi``."""
    for suffix, size in (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20)):
        if amount >= size:
            return f"{_short(amount / size)}{suffix}"
    return format_amount(amount) if amount else "0"


def readable(amount: str) -> str:
    """Return a figure of a refusal as people read it: ``9.16 ms`` for ``9158 us``; other text as it is."""
    number, _, unit = amount.partition(" ")
    reads = next((reads for known, reads in UNITS.values() if known == unit), None)
    return reads(int(number)) if reads is not None and number.isdecimal() else amount


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as ``1 replica`` or ``2 replicas``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def rate(quantity: str, unit: str) -> str:
    """Return a quantity with its unit, such as ``930 GFLOP/s`` for ``930G``."""
    number = quantity.rstrip("kMGTPEm")
    return f"{number} {quantity[len(number) :]}{unit}"


def memory(quantity: str) -> str:
    """Return a quantity of memory in powers of two, as its author probably wrote it."""
    return binary(float(Quantity.parse(quantity)))


def _short(value: float) -> str:
    """Return at most three digits that count, none of them a trailing zero behind the point."""
    return f"{value:.3g}" if value < _THOUSAND else f"{value:.0f}"
