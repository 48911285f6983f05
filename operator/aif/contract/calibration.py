"""How a node's figures hold in practice: predicted against measured, as a factor with its confidence.

A node that needs 10 ms where 8 ms were predicted has the efficiency 0.8. Ratios are averaged as logarithms, so that
twice as fast and half as fast cancel; older ones fade, since a node may be throttled today and mended tomorrow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from aif.planning.arrays import BoolArray, FloatArray

MEMORY: Final = 256.0
"""Weight of all former observations against one new one, at most."""

TRUST: Final = 8.0
"""Observations after which what was measured counts as much as what was declared."""

FAR: Final = 1.5
"""Factor from which on a node is far from its claim."""

SURE: Final = 30.0
"""Observations from which on a node may be called far from its claim."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What was learnt of n pairs of node and device.

    Attributes:
        weight: Observations that still count.
        mean: Mean of ln(predicted/measured).
        spread: Sum of the squared deviations from the mean.
    """

    weight: FloatArray
    mean: FloatArray
    spread: FloatArray

    @classmethod
    def nothing(cls, rows: int) -> Self:
        """Return a calibration without an observation."""
        return cls(np.zeros(rows), np.zeros(rows), np.zeros(rows))

    def observe(self, predicted: FloatArray, measured: FloatArray) -> Self:
        """Return the calibration after one more observation of each row.

        Args:
            predicted: Seconds or joules as predicted from the declared figures, one per row.
            measured: The same as measured; rows where either is unknown, infinite or not above 0 stay as they are.
        """
        usable = np.isfinite(predicted) & np.isfinite(measured) & (predicted > 0.0) & (measured > 0.0)
        ratio = np.log(np.where(usable, predicted, 1.0)) - np.log(np.where(usable, measured, 1.0))
        kept = np.minimum(self.weight, MEMORY - 1.0)
        fade = np.divide(kept, self.weight, out=np.ones_like(kept), where=self.weight > 0.0)
        step = ratio - self.mean
        mean = self.mean + step / (kept + 1.0)
        spread = self.spread * fade + step * (ratio - mean)
        return replace(
            self,
            weight=np.where(usable, kept + 1.0, self.weight),
            mean=np.where(usable, mean, self.mean),
            spread=np.where(usable, spread, self.spread),
        )

    @property
    def measured(self) -> FloatArray:
        """Return the efficiency as measured, above 0; NaN where nothing was."""
        return np.asarray(np.where(self.weight > 0.0, np.exp(self.mean), np.nan))

    @property
    def confidence(self) -> FloatArray:
        """Return how much the measured efficiency counts against the declared one, 0..1.

        n/(n + n0 + s²/s0²·n0) with the spread s of the logarithms and s0 = ln 1.5: few observations count little, and
        scattered ones less.
        """
        variance = np.divide(self.spread, self.weight, out=np.zeros_like(self.spread), where=self.weight > 0.0)
        doubt = TRUST * (1.0 + variance / np.log(FAR) ** 2)
        return np.asarray(self.weight / (self.weight + doubt))

    @property
    def efficiency(self) -> FloatArray:
        """Return the factor for the next prediction: 1 without an observation, the measured one with many."""
        return np.asarray(np.exp(self.confidence * self.mean))

    @property
    def far(self) -> BoolArray:
        """Return which rows are surely slower or hungrier than declared, by more than a factor of `FAR`."""
        return np.asarray((self.weight >= SURE) & (self.efficiency < 1.0 / FAR))
