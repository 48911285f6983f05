"""What a look at the exporters says of one node: how busy it is, and whether it is heard of at all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import nan

from aif.contract.alarms import Phase
from aif.contract.pressure import LOST_SECONDS, Pressure


class Hearing(Enum):
    """Whether a node is heard of."""

    FRESH = "fresh"
    SILENT = "silent"
    NEVER = "never"
    LOST = "lost"
    UNASKED = "unasked"


@dataclass(frozen=True, slots=True)
class NodeReading:
    """One node as the exporters tell of it.

    Attributes:
        hearing: Whether they do: SILENT for less than a minute, LOST for longer; UNASKED where Prometheus fails.
        pressures: All resources with levels, whatever their phase.
        load: Share of its busiest device in use; NaN where unknown.
        at: When this was looked at, in seconds since 1970.
    """

    hearing: Hearing
    pressures: tuple[Pressure, ...] = ()
    load: float = nan
    at: float = 0.0

    @property
    def raised(self) -> tuple[Pressure, ...]:
        """Return the pressures that have lasted."""
        return tuple(each for each in self.pressures if each.phase is Phase.RAISED)


def hearing(*, answered: bool, told: bool, heard_at: float | None, now: float) -> Hearing:
    """Return whether a node is heard of.

    Args:
        answered: Whether Prometheus answered any question about nodes.
        told: Whether a fresh sample tells of this node.
        heard_at: When a sample last did, as far as this process or its predecessor knows; None where none ever did.
        now: Seconds since 1970.
    """
    if told:
        return Hearing.FRESH
    if not answered:
        return Hearing.UNASKED
    if heard_at is None:
        return Hearing.NEVER
    return Hearing.LOST if now - heard_at >= LOST_SECONDS else Hearing.SILENT
