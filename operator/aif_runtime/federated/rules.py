"""When a round counts, and when a job ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OnLoss(StrEnum):
    """What follows where clients are lost in mid-round, and the quorum still holds."""

    DEGRADE = "Degrade"
    """Go on with the others."""

    WAIT = "Wait"
    """Wait for them until the round's deadline."""

    FAIL = "Fail"
    """End the job."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When a round counts, and when the job ends.

    Attributes:
        rounds: Most rounds.
        round_seconds: After so long a round goes on with the answers that have come.
        clients: Clients that are expected.
        quorum: Clients without which no round counts.
        on_loss: What follows where some are lost.
        gather_seconds: How long the first round waits for the expected clients, once the quorum is there.
        grace_seconds: How long a lost client may take to come back before a round goes on without it.
        deadline_seconds: After so long the job has failed.
        target: Accuracy at which the job is done; None for no such.
        patience: Rounds without a better metric after which the job is done; None for no such.
        evaluators: Roles that judge each round.
        seed: All draws follow from it.
    """

    rounds: int
    round_seconds: float = 300.0
    clients: int = 1
    quorum: int = 1
    on_loss: OnLoss = OnLoss.DEGRADE
    gather_seconds: float = 10.0
    grace_seconds: float = 5.0
    deadline_seconds: float = 7200.0
    target: float | None = None
    patience: int | None = None
    evaluators: int = 0
    seed: int = 0
