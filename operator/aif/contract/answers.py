"""Vectors of all services become columns of the promises that are watched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import nan
from typing import Protocol

import numpy as np

from aif.planning.arrays import FloatArray

Who = tuple[str, ...]
"""Namespace and name of an AIService, and the copy where one is meant."""

_LABELS = ("namespace", "aiservice", "copy")


class Row(Protocol):
    """A row of a vector."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Return its labels."""
        ...

    @property
    def value(self) -> float:
        """Return its value."""
        ...


def column(rows: Iterable[Row], who: Sequence[Who]) -> FloatArray:
    """Return the value for each of ``who``; NaN for those whom no row tells of, or more than one.

    Rows of others are left out: whoever can expose a metric can name any service in it, and two that name the same one
    cannot both be right.
    """
    told: dict[Who, float] = {}
    parts = max(map(len, who), default=0)
    for row in rows:
        name = _name(row, parts)
        told[name] = nan if name in told else row.value
    return np.array([told.get(name, nan) for name in who], dtype=np.float64)


def _name(row: Row, parts: int) -> Who:
    return tuple(row.labels.get(label, "") for label in _LABELS[:parts])


def bounds(rows: Iterable[Row], parts: int = 2) -> dict[Who, FloatArray]:
    """Return the upper bounds of the histogram buckets of each service, or copy (``parts`` 3), rising.

    Those that cannot be read are left out.
    """
    found: dict[Who, set[float]] = {}
    for row in rows:
        try:
            bound = float(row.labels.get("le", ""))
        except ValueError:
            continue
        if bound == bound:  # noqa: PLR0124 - not NaN
            found.setdefault(_name(row, parts), set()).add(bound)
    return {who: np.array(sorted(edges)) for who, edges in found.items()}
