"""How long a layer takes on a platform, from measurements: one regression per kind of layer (as Edgent fits them)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidInput, InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.checks import non_negative
from aif.planning.models.graph import ModelGraph


@dataclass(frozen=True, slots=True)
class Measurement:
    """One layer that was measured.

    Attributes:
        kind: Such as Conv.
        flops: FLOP.
        bytes_moved: Bytes that it reads and writes.
        seconds: How long it took.
    """

    kind: str
    flops: float
    bytes_moved: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Line:
    """t = base + per_flop·O + per_byte·Q, none of them below 0.

    Attributes:
        base: Seconds of a layer of this kind without any work.
        per_flop: Seconds per FLOP.
        per_byte: Seconds per byte.
        r_squared: Share of the variance of the measured times that it explains, 1 at best.
        measurements: How many it rests on.
    """

    base: float
    per_flop: float
    per_byte: float
    r_squared: float
    measurements: int

    def seconds(self, flops: float, bytes_moved: float) -> float:
        """Return the time of a layer."""
        return self.base + self.per_flop * flops + self.per_byte * bytes_moved


def fit(measurements: Sequence[Measurement]) -> dict[str, Line]:
    """Return the line of each kind that was measured: least squares of the relative errors, no coefficient below 0.

    A layer that takes longer counts no more than a short one, since a model has more short ones.

    Raises:
        InvalidSpec: A figure is out of bounds, or a measured time is 0.
    """
    for field in ("flops", "bytes_moved", "seconds"):
        non_negative(f"measurements.{field}", [getattr(one, field) for one in measurements])
    if any(one.seconds == 0.0 for one in measurements):
        raise InvalidSpec("measurements.seconds", "must be greater than 0, not 0")
    kinds = dict.fromkeys(one.kind for one in measurements)
    return {kind: _fit([one for one in measurements if one.kind == kind]) for kind in kinds}


def _fit(measurements: Sequence[Measurement]) -> Line:
    seconds = np.array([one.seconds for one in measurements])
    features = np.array([(1.0, one.flops, one.bytes_moved) for one in measurements])
    base, per_flop, per_byte = least_squares(features / seconds[:, None], np.ones(len(seconds)))
    residual = features @ (base, per_flop, per_byte) - seconds
    spread = float(((seconds - seconds.mean()) ** 2).sum())
    explained = 1.0 - float((residual**2).sum()) / spread if spread > 0.0 else 1.0
    return Line(float(base), float(per_flop), float(per_byte), explained, len(seconds))


def least_squares(features: ArrayLike, target: ArrayLike) -> FloatArray:
    """Return the coefficients from 0 up that come nearest to ``target`` in least squares.

    Exact: the best of all choices of coefficients that are not 0; meant for a handful.

    Args:
        features: Shape [n, k].
        target: Shape [n].

    Returns:
        Shape [k].
    """
    matrix, wanted = np.asarray(features, dtype=np.float64), np.asarray(target, dtype=np.float64)
    # Features differ by many orders of magnitude; what is small must not be taken for a zero of the rank.
    scale = np.abs(matrix).max(axis=0)
    matrix = matrix / np.where(scale > 0.0, scale, 1.0)
    best, nearest = np.zeros(matrix.shape[1]), float((wanted**2).sum())
    for size in range(1, matrix.shape[1] + 1):
        for chosen in combinations(range(matrix.shape[1]), size):
            solution = np.linalg.lstsq(matrix[:, chosen], wanted, rcond=None)[0]
            distance = float(((matrix[:, chosen] @ solution - wanted) ** 2).sum())
            if solution.min() >= 0.0 and distance < nearest * (1.0 - 1e-12):
                best, nearest = np.zeros(matrix.shape[1]), distance
                best[list(chosen)] = solution
    return np.asarray(best / np.where(scale > 0.0, scale, 1.0))


def layer_seconds(graph: ModelGraph, lines: Mapping[str, Line]) -> FloatArray:
    """Return the time of each layer of ``graph``, shape [layers]; the input takes none.

    Raises:
        InvalidInput: A kind of layer was not measured.
    """
    missing = dict.fromkeys(layer.kind for layer in graph.layers[1:] if layer.kind not in lines)
    if missing:
        raise InvalidInput(f"no measurement of a layer of kind {', '.join(missing)}; measure one of each kind")
    seconds = [0.0]
    for layer, sources in zip(graph.layers[1:], graph.sources[1:], strict=True):
        numbers = layer.elements + layer.parameters + sum(graph.layers[source].elements for source in sources)
        seconds.append(lines[layer.kind].seconds(layer.flop, 4.0 * numbers))
    return np.array(seconds)
