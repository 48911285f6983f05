"""How amounts read: exactly for the status, rounded for people; and by how much one misses another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, isinf, isnan
from typing import Final, Protocol

import numpy as np

from aif.api.base import Level
from aif.planning.arrays import FloatArray

Spell = Callable[[float], str]

_PREFIXES: Final = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"))
_BINARY: Final = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))


class Measure(Protocol):
    """What a limit is about, with its words."""

    def text(self, value: float) -> str:
        """Return ``value`` with its unit, exact to the unit."""
        ...

    def miss(self, required: float, available: FloatArray) -> FloatArray:
        """Return by how much each amount misses ``required``, as a share of it; infinite where it is unknown."""
        ...

    def gap(self, required: float, available: float, node: str, unknown: str) -> str:
        """Return one clause for people on what ``node`` misses; ``unknown`` says which figure is not there."""
        ...


@dataclass(frozen=True, slots=True)
class Scale:
    """A number with a unit.

    Attributes:
        name: What is measured.
        unit: Unit in which it is told exactly, with ``factor`` of them to an SI unit.
        spell: How people read a value.
        at_most: Whether less is better.
    """

    name: str
    unit: str
    factor: float
    spell: Spell
    at_most: bool = False

    def text(self, value: float) -> str:
        """Return a whole number of units, rounded to the bad side so that a miss never looks like a hit."""
        if isnan(value) or isinf(value):
            return _unbounded(value)
        scaled = round(value * self.factor, 6)
        return f"{ceil(scaled) if self.at_most else floor(scaled)} {self.unit}"

    def miss(self, required: float, available: FloatArray) -> FloatArray:
        """Return the excess, or the lack, as a share of ``required``."""
        difference = available - required if self.at_most else required - available
        return np.where(np.isnan(difference), np.inf, difference / max(required, 1e-12))

    def gap(self, required: float, available: float, node: str, unknown: str) -> str:
        """Return such as ``latency short by 18.0 ms on cloud-1 (needs 20.0 ms, offers 38.0 ms)``."""
        needs = self.spell(required)
        if isnan(available):
            return f"{self.name} unknown on {node}: {unknown} (needs {needs})"
        if isinf(available):
            return f"{self.name} unbounded on {node} under the declared load (needs {needs})"
        short = self.spell(abs(available - required))
        return f"{self.name} short by {short} on {node} (needs {needs}, offers {self.spell(max(0.0, available))})"


@dataclass(frozen=True, slots=True)
class Graded:
    """A level with a rank but no number."""

    name: str

    def text(self, value: float) -> str:
        """Return the level of that rank."""
        return tuple(Level)[int(value)].value

    def miss(self, required: float, available: FloatArray) -> FloatArray:
        """Return how many levels are missing."""
        return required - available

    def gap(self, required: float, available: float, node: str, unknown: str) -> str:
        """Return such as ``security level too low on edge-1 (needs High, offers Low)``."""
        del unknown
        return f"{self.name} too low on {node} (needs {self.text(required)}, offers {self.text(available)})"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is so (1) or not (0).

    Attributes:
        needs: What must be so.
        offers: What is so instead.
        clause: What people are told, before the name of the node.
    """

    needs: str
    offers: str
    clause: str

    def text(self, value: float) -> str:
        """Return what must be so for 1, what is for 0."""
        return self.needs if value else self.offers

    def miss(self, required: float, available: FloatArray) -> FloatArray:
        """Return 1 for every node: no one is nearer."""
        return required - available

    def gap(self, required: float, available: float, node: str, unknown: str) -> str:
        """Return such as ``not ready: edge-1``."""
        del required, available, unknown
        return f"{self.clause}: {node}"


def si(unit: str) -> Spell:
    """Return how a value reads with three digits and an SI prefix, such as ``930 GFLOP/s``."""

    def spell(value: float) -> str:
        if value == 0.0:
            return f"0 {unit}"
        scale, prefix = next((pair for pair in _PREFIXES if value >= pair[0]), _PREFIXES[-1])
        return f"{_three_digits(value / scale)} {prefix}{unit}"

    return spell


def duration(seconds: float) -> str:
    """Return such as ``20.0 ms``."""
    scale, unit = next((pair for pair in ((1.0, "s"), (1e-3, "ms")) if seconds >= pair[0]), (1e-6, "us"))
    return f"{_three_digits(seconds / scale)} {unit}"


def size(amount: float) -> str:
    """Return such as ``16.0 GiB``."""
    scale, unit = next((pair for pair in _BINARY if amount >= pair[0]), (1.0, "byte"))
    return f"{_three_digits(amount / scale)} {unit}"


def percent(share: float) -> str:
    """Return such as ``71.59 %``."""
    return f"{share * 100:.4f}".rstrip("0").rstrip(".") + " %"


def count(noun: str) -> Spell:
    """Return how a number of things reads, such as ``2 nvidia.com/gpu``."""
    return lambda value: f"{value:g} {noun}"


def _three_digits(value: float) -> str:
    return np.format_float_positional(value, precision=3, unique=False, fractional=False).rstrip(".")


def _unbounded(value: float) -> str:
    return "unknown" if isnan(value) else "unbounded"


LATENCY: Final = Scale("latency", "us", 1e6, duration, at_most=True)
JITTER: Final = Scale("jitter", "us", 1e6, duration, at_most=True)
ENERGY: Final = Scale("energy", "mJ", 1e3, si("J"), at_most=True)
UPLINK: Final = Scale("uplink", "bit/s", 1.0, si("bit/s"))
DOWNLINK: Final = Scale("downlink", "bit/s", 1.0, si("bit/s"))
RELIABILITY: Final = Scale("link reliability", "ppm", 1e6, percent)
AVAILABILITY: Final = Scale("availability", "ppm", 1e6, percent)
ACCURACY: Final = Scale("accuracy", "basis points", 1e4, percent)
COMPUTE: Final = Scale("compute", "FLOP/s", 1.0, si("FLOP/s"))
CORES: Final = Scale("cpu", "millicores", 1e3, count("cores"))
MEMORY: Final = Scale("memory", "byte", 1.0, size)
DEVICE_MEMORY: Final = Scale("device memory", "byte", 1.0, size)
STORAGE: Final = Scale("ephemeral storage", "byte", 1.0, size)
PODS: Final = Scale("pods", "pods", 1.0, count("pods"))
SECURITY: Final = Graded("security level")
