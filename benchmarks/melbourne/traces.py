"""Sites and users of a city, and requests as they came to a service; drawn at random where no data is at hand."""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import cos, radians
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
KM_PER_DEGREE: Final = 111.32
SEED: Final = 23
REQUESTS: Final = 20_000


class BadData(Exception):
    """A file cannot be used; the message names it, and the column."""


@dataclass(frozen=True, slots=True, eq=False)
class City:
    """Positions in km east and north of some point, shape (n, 2)."""

    sites: Floats
    users: Floats
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Requests:
    """n requests in the order in which they came.

    Attributes:
        gaps: Seconds from the one before.
        prompt, answer: Tokens of each.
        source: Where they come from.
    """

    gaps: Floats
    prompt: Floats
    answer: Floats
    source: str

    @property
    def rate(self) -> float:
        """Return the mean rate in requests per second."""
        return float(1.0 / self.gaps.mean())


def city(folder: Path | None) -> City:
    """Return the city of ``sites.csv`` and ``users.csv`` in ``folder``, or one drawn at random.

    Raises:
        BadData: A file lacks a column, or a figure is none.
    """
    if folder is None or not (folder / "sites.csv").exists() or not (folder / "users.csv").exists():
        _warn(folder, "sites.csv and users.csv")
        draw = np.random.default_rng(SEED)
        return City(draw.uniform(0.0, [2.2, 1.8], (125, 2)), draw.uniform(0.0, [2.2, 1.8], (816, 2)), "drawn at random")
    sites = _columns(folder / "sites.csv", ("LATITUDE", "LONGITUDE"))
    users = _columns(folder / "users.csv", ("Latitude", "Longitude"))
    origin = sites.min(axis=0)
    scale = np.array([KM_PER_DEGREE, KM_PER_DEGREE * cos(radians(float(origin[0])))])
    return City(((sites - origin) * scale)[:, ::-1], ((users - origin) * scale)[:, ::-1], folder.name)


def requests(folder: Path | None) -> Requests:
    """Return the requests of the first trace in ``folder``, or some drawn at random.

    Raises:
        BadData: The file lacks a column, or a figure is none.
    """
    found = sorted(folder.glob("*.csv*")) if folder is not None and folder.exists() else []
    if not found:
        _warn(folder, "no trace")
        draw = np.random.default_rng(SEED)
        tokens = draw.lognormal([6.6, 5.0], [0.9, 0.7], (REQUESTS, 2)).round().clip(1.0, 8000.0)
        return Requests(draw.exponential(0.186, REQUESTS), tokens[:, 0], tokens[:, 1], "drawn at random")
    rows = list(_rows(found[0], ("TIMESTAMP", "ContextTokens", "GeneratedTokens")))
    try:
        seconds = np.array([datetime.fromisoformat(row["TIMESTAMP"][:26]).timestamp() for row in rows])
    except ValueError as error:
        raise BadData(f"{found[0]}: TIMESTAMP: {error}") from error
    tokens = np.array([[float(row["ContextTokens"]), float(row["GeneratedTokens"])] for row in rows])
    gaps = np.diff(np.sort(seconds), prepend=seconds.min())
    return Requests(gaps, np.maximum(1.0, tokens[:, 0]), np.maximum(1.0, tokens[:, 1]), found[0].name)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
            raise BadData(f"{path}: has no column {missing[0]}; needed are {', '.join(columns)}")
        yield from reader


def _columns(path: Path, columns: tuple[str, ...]) -> Floats:
    try:
        return np.array([[float(row[name]) for name in columns] for row in _rows(path, columns)])
    except ValueError as error:
        raise BadData(f"{path}: {' and '.join(columns)} must be numbers: {error}") from error


def _warn(folder: Path | None, what: str) -> None:
    print(f"{'none given' if folder is None else folder}: {what} there; drawn at random instead", file=sys.stderr)
