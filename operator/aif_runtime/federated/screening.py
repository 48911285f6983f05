"""What a client's answer must be like before it may change the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aif_runtime.learning.arrays import Array, Arrays, fit
from aif_runtime.learning.errors import UnfitUpdate
from aif_runtime.wire.envelope import Frame

MOST_EXAMPLES: Final = 10**9


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """What a client learned in a round.

    Attributes:
        name: Of the client.
        arrays: All numbers of the model by full name.
        examples: How many examples they come from; their weight in the mean.
        loss: Mean loss over them.
    """

    name: str
    arrays: Arrays
    examples: int
    loss: float


def screened(name: str, answer: Frame, like: Mapping[str, Array], turn: int) -> Update:
    """Return the update in an answer.

    Raises:
        UnfitUpdate: Its numbers do not fit the model, it is of another round, or does not say how much it is worth.
    """
    if answer.config.get("round") != turn:
        raise UnfitUpdate(f"the answer is for round {answer.config.get('round')}, this is round {turn}")
    examples = answer.metrics.get("examples", 0.0)
    if not 1 <= examples <= MOST_EXAMPLES or examples != int(examples):
        raise UnfitUpdate(f"metrics.examples must be a whole number from 1 to {MOST_EXAMPLES}, not {examples:g}")
    if "loss" not in answer.metrics:
        raise UnfitUpdate("metrics.loss is missing")
    return Update(name, fit(answer.arrays, like), int(examples), answer.metrics["loss"])
