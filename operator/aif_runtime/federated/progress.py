"""How far a job is: what its status page and its last message say."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

MESSAGE_BYTES: Final = 4096
"""Kubernetes keeps so much of a container's last message."""

_HISTORY: Final = 1000
_BASIS_POINTS: Final = 10_000


class Phase(StrEnum):
    """What a job is at."""

    WAITING = "Waiting"
    """Too few have come yet."""

    TRAINING = "Training"
    PAUSED = "Paused"
    """Too few are left to go on."""

    COMPLETE = "Complete"
    FAILED = "Failed"


@dataclass(slots=True)
class Progress:
    """What is known of a job; kept by the aggregator, read by the operator.

    Attributes:
        rounds: Most rounds there will be.
        expected: Clients that the job was made for.
        quorum: Clients without which no round counts.
        phase: What the job is at.
        reason: Why it paused or failed, in a word; empty otherwise.
        message: The same in a sentence.
        round: Last round that is done.
        live: Clients that are attached.
        answered: Clients that took part in the last round.
        metrics: Of the last judgement.
        best_round: Round with the best metric.
        stored: Bytes of checkpoints, and of the finished model once it is there; None before the first.
        seconds: Of the last rounds, for what remains.
        excluded: Clients that sent what could not be used, each with why.
        lost: Clients that failed in the last round, each with why.
        routine: What the routine manager says of itself.
        tasks: How far each task is, by name.
    """

    rounds: int
    expected: int
    quorum: int
    phase: Phase = Phase.WAITING
    reason: str = ""
    message: str = ""
    epoch: int = 0
    round: int = 0
    live: int = 0
    answered: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    best_round: int = 0
    sent: int = 0
    received: int = 0
    stored: int | None = None
    digest: str = ""
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=5))
    history: deque[dict[str, float]] = field(default_factory=lambda: deque(maxlen=_HISTORY))
    excluded: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    routine: dict[str, Any] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds until the last round is done, if all go like the last ones; None before the first."""
        if not self.seconds:
            return None
        return (self.rounds - self.round) * sum(self.seconds) / len(self.seconds)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON."""
        remaining = self.remaining_seconds
        return {
            "phase": self.phase,
            "reason": self.reason,
            "message": self.message,
            "epoch": self.epoch,
            "round": self.round,
            "rounds": self.rounds,
            "clients": {"live": self.live, "answered": self.answered, "expected": self.expected, "quorum": self.quorum},
            "accuracyBasisPoints": basis_points(self.metrics),
            "metrics": self.metrics,
            "bestRound": self.best_round,
            "remainingSeconds": None if remaining is None else round(remaining),
            "trafficBytes": {"sent": self.sent, "received": self.received},
            "storedBytes": self.stored,
            "digest": self.digest,
            "excluded": self.excluded,
            "lost": self.lost,
            "routine": self.routine,
            "tasks": dict(self.tasks),
            "history": list(self.history),
        }

    def last_message(self) -> str:
        """Return what the container says as it ends: JSON of at most 4096 bytes."""
        short = {key: value for key, value in self.to_dict().items() if key not in {"history", "lost", "routine"}}
        text = json.dumps(short, separators=(",", ":"))
        while len(text.encode()) > MESSAGE_BYTES and short["excluded"]:
            # Names of many bad clients are the one part that grows: their number says enough here.
            short["excluded"] = (
                {}
                if len(short["excluded"]) == 1
                else dict(list(short["excluded"].items())[: len(short["excluded"]) // 2])
            )
            short["excludedCount"] = len(self.excluded)
            text = json.dumps(short, separators=(",", ":"))
        return text.encode()[:MESSAGE_BYTES].decode(errors="ignore")


def basis_points(metrics: Mapping[str, float]) -> int | None:
    """Return the accuracy in hundredths of a per cent; None where it was not judged."""
    return round(metrics["accuracy"] * _BASIS_POINTS) if "accuracy" in metrics else None
