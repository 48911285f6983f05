"""Vectors of all services become columns of the promises that are watched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import nan
from typing import Protocol

import numpy as np

from aif.planning.arrays import FloatArray

Who = tuple[str, str]
"""Namespace and name of an AIService."""


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
    for row in rows:
        name = (row.labels.get("namespace", ""), row.labels.get("aiservice", ""))
        told[name] = nan if name in told else row.value
    return np.array([told.get(name, nan) for name in who], dtype=np.float64)


def bounds(rows: Iterable[Row]) -> dict[Who, FloatArray]:
    """Return the upper bounds of each service's histogram buckets, rising; those that cannot be read are left out."""
    found: dict[Who, set[float]] = {}
    for row in rows:
        try:
            bound = float(row.labels.get("le", ""))
        except ValueError:
            continue
        if bound == bound:  # noqa: PLR0124 - not NaN
            found.setdefault((row.labels.get("namespace", ""), row.labels.get("aiservice", "")), set()).add(bound)
    return {who: np.array(sorted(edges)) for who, edges in found.items()}
