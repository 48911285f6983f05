"""The cheaper, the better."""

from __future__ import annotations

from dataclasses import dataclass

from aif.planning.arrays import FloatArray, IntArray
from aif.scheduling.framework import against_lowest
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Cost:
    """Scores the price of the devices that the service would take, against the cheapest node that fits."""

    name: str = "cost"

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return 100 for the cheapest, 50 for twice its price; unknown where no price is declared."""
        return against_lowest((problem.table.price * problem.devices_taken).take(rows))
