"""Which exit of a model answers in time, and where the part before it is cut: chosen together (as Edgent does).

A model with early exits has heads at several of its legal cuts; a deeper exit is more accurate and takes longer. The
deadline is met by the most accurate exit whose best cut is quick enough on the link as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidSpec
from aif.planning.arrays import BoolArray, FloatArray, IntArray
from aif.planning.checks import non_negative, positive, share


@dataclass(frozen=True, slots=True, eq=False)
class Exit:
    """A model up to one of its exits, with what each of n cuts leaves to either side.

    Attributes:
        name: What people call the exit.
        accuracy: Accuracy of its answers, 0..1.
        cuts: Name of each cut; the last leaves nothing to the network.
        user_seconds: Time on the user's side before each cut, shape [n].
        network_seconds: Time in the network behind each cut, the head included, shape [n].
        bits: What crosses each cut, shape [n].

    Raises:
        InvalidSpec: A figure is out of bounds, or the arrays differ in length.
    """

    name: str
    accuracy: float
    cuts: tuple[str, ...]
    user_seconds: FloatArray
    network_seconds: FloatArray
    bits: FloatArray

    def __post_init__(self) -> None:
        share(f"exits.{self.name}.accuracy", self.accuracy)
        for field in ("user_seconds", "network_seconds", "bits"):
            if non_negative(f"exits.{self.name}.{field}", getattr(self, field)).shape != (len(self.cuts),):
                raise InvalidSpec(f"exits.{self.name}.{field}", f"must hold a figure for each of {len(self.cuts)} cuts")

    def latency(self, bits_per_second: ArrayLike, delay_seconds: float = 0.0) -> FloatArray:
        """Return the time of each cut on links of each rate, shape [..., n]."""
        rates = np.asarray(bits_per_second, dtype=np.float64)[..., None]
        fixed = self.user_seconds + self.network_seconds + np.where(self.bits > 0.0, delay_seconds, 0.0)
        return np.asarray(fixed + self.bits / rates)


@dataclass(frozen=True, slots=True, eq=False)
class ExitPlans:
    """The best exit and cut for links of m rates, arrays of shape [m].

    Attributes:
        exits: Position of the exit.
        cuts: Position of the cut in that exit.
        seconds: Time of a request.
        accuracy: Accuracy of the answer.
        in_time: Whether the deadline is met; where it is not, the plan is the quickest that there is.
    """

    exits: IntArray
    cuts: IntArray
    seconds: FloatArray
    accuracy: FloatArray
    in_time: BoolArray


def plan_exits(
    exits: Sequence[Exit], bits_per_second: ArrayLike, deadline_seconds: float, delay_seconds: float = 0.0
) -> ExitPlans:
    """Return the most accurate exit that is in time, with its quickest cut, for each rate of the link.

    Of equally accurate exits the quicker one is taken; where none is in time, the quickest of all.

    Args:
        exits: In any order, at least one.
        bits_per_second: Rates, shape [m].
        deadline_seconds: The longest time of a request.
        delay_seconds: What a tensor takes on the link beside its transfer.

    Raises:
        InvalidSpec: There is no exit, or a figure is out of bounds.
    """
    if not exits:
        raise InvalidSpec("exits", "must hold at least one exit")
    positive("deadlineSeconds", deadline_seconds)
    non_negative("delaySeconds", delay_seconds)
    rates = np.atleast_1d(positive("bitPerSecond", bits_per_second))
    latencies = [one.latency(rates, delay_seconds) for one in exits]
    cuts = np.stack([times.argmin(axis=1) for times in latencies])
    seconds = np.stack([times.min(axis=1) for times in latencies])
    accuracy = np.array([one.accuracy for one in exits])[:, None]
    in_time = seconds <= deadline_seconds
    # Accuracy first where it is in time, then speed; what is late counts by its speed alone.
    rank = np.lexsort((seconds, np.where(in_time, -accuracy, np.inf)), axis=0)[0]
    columns = np.arange(len(rates))
    return ExitPlans(
        rank, cuts[rank, columns], seconds[rank, columns], accuracy[rank, 0], np.asarray(in_time[rank, columns])
    )
