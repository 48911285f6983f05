"""Columns with some of their rows replaced, or their rows in another order; the columns given stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from aif.planning.arrays import IntArray

Figure = TypeVar("Figure", bound=np.generic)
Name = TypeVar("Name")


def patched(column: NDArray[Figure], at: IntArray, part: NDArray[Figure]) -> NDArray[Figure]:
    """Return ``column`` whose rows ``at`` are those of ``part``."""
    changed = column.copy()
    changed[at] = part
    return changed


def patched_all(
    columns: Mapping[Name, NDArray[Figure]], at: IntArray, part: Mapping[Name, NDArray[Figure]], absent: NDArray[Figure]
) -> dict[Name, NDArray[Figure]]:
    """Return ``columns`` whose rows ``at`` are those of ``part``.

    Args:
        columns: Columns by name.
        at: Rows.
        part: NDArray[Figure]s of these rows alone.
        absent: What a column reads that is on one side only.
    """
    names = dict.fromkeys((*columns, *part))
    return {name: patched(columns.get(name, absent), at, part.get(name, absent[at])) for name in names}


def patched_row(row: tuple[Name, ...], at: IntArray, part: tuple[Name, ...]) -> tuple[Name, ...]:
    """Return ``row`` whose places ``at`` hold what ``part`` does."""
    changed = list(row)
    for place, value in zip(at.tolist(), part, strict=True):
        changed[place] = value
    return tuple(changed)


def arranged(columns: Mapping[Name, NDArray[Figure]], order: IntArray) -> dict[Name, NDArray[Figure]]:
    """Return ``columns`` with the rows ``order``."""
    return {name: np.take(column, order) for name, column in columns.items()}
