"""Contracts that no node can keep: every node is known to be slow, and then users ask for more than any has."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from audit import Audit, Entry
from contract_moves import MIGRATION, QUICK, SMALL, Moves
from network import a_service, within
from rest import Json, eventually

SLOW_S: Final = 0.015
"""What a request takes on every node; a twentieth of that is declared."""

EASY_MS, HOPELESS_MS = 200, 10
"""A target that every node keeps; one that each would keep if it were as fast as declared."""

RATE: Final = 30
"""Requests per second; fewer would leave some windows without enough of them to judge by."""
SCOUTS: Final = 2
"""Services on each node from which it is learnt how slow it is."""

MOST_WRITES: Final = 6.0
"""Writes per object and minute that such a contract may cost: a tenth of the looks, where a loop would write at each.

On a busy machine samples come late, and it is told that a value is unknown, and known again.
"""

_KNOWN_PERCENT: Final = 8
"""Efficiency from which on a node is predicted to miss the hopeless target."""

_PATIENCE_S: Final = 180.0
_MOVES: Final[Json] = MIGRATION | {"cooldownSeconds": 0, "maxPerHour": 60}
"""Nothing but the search for a target holds a move back."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What the operator did about services for a while.

    Attributes:
        seconds: How long it was watched.
        objects: How many AIServices and ComputeNodes there were.
        writes: The operator's.
        begun: Services that began a move, or were given a second copy.
    """

    seconds: float
    objects: int
    writes: Sequence[Entry]
    begun: Sequence[str]

    @property
    def per_minute(self) -> float:
        """Writes per object and minute."""
        return len(self.writes) / self.objects * 60 / self.seconds

    @property
    def busiest(self) -> float:
        """Writes per minute about the object that was written about most."""
        counts = Counter((entry.namespace, entry.kind, entry.name) for entry in self.writes)
        return max(counts.values(), default=0) * 60 / self.seconds

    @property
    def kinds(self) -> str:
        """What was written, the most frequent first."""
        counts = Counter(f"{entry.verb} {entry.kind}" for entry in self.writes)
        return ", ".join(f"{count} {kind}" for kind, count in counts.most_common())


def prepare(moves: Moves, count: int) -> list[str]:
    """Place services whose contract is kept, and let the operator learn how slow every node is; return their names."""
    moves.traffic.rate, moves.traffic.usual = RATE, SLOW_S
    spec = within(EASY_MS) | {"load": {"requestsPerSecond": RATE}, "model": SMALL, "evaluation": QUICK}
    for node, number in itertools.product(moves.pool.nodes, range(SCOUTS)):
        moves.services.apply(a_service(f"scout-{number}-{node}", on=node, **spec))
    names = [f"plates-{number}" for number in range(count)]
    for name in names:
        moves.services.apply(moves.pool.plain(name, migration=_MOVES, **spec))
    for name in names:
        moves.services.await_condition(name, "QoSMet", "True", within_s=_PATIENCE_S)
    for node in moves.pool.nodes:
        eventually(partial(_is_known, moves, node), f"{node} is known to be slow", _PATIENCE_S)
    return names


def _is_known(moves: Moves, node: str) -> bool:
    status = (moves.rest.get("computenodes", node) or {}).get("status", {})
    known = [each["compute"]["efficiencyPercent"] for each in status.get("calibration", ()) if "compute" in each]
    assert known, f"nothing was learnt of {node}"
    assert max(known) <= _KNOWN_PERCENT, f"{node} is taken for {known} % of what it declares"
    return True


def despair(moves: Moves, names: Sequence[str]) -> dict[str, str]:
    """Ask of these services what no node can keep, and wait for the alarms; return what each says it is short of."""
    for name in names:
        moves.services.patch(name, {"qos": {"latency": {"maxP99Microseconds": HOPELESS_MS * 1000}}})
    for name in names:
        moves.services.await_condition(name, "ThresholdAlarm", "True", within_s=_PATIENCE_S)
    return {name: moves.services.await_condition(name, "Degraded", "True")["message"] for name in names}


def watch(moves: Moves, audit: Audit, names: Sequence[str], seconds: float) -> Watch:
    """Let what is measured move all the while, as it does in practice, and look for moves."""
    begun, end, log = set[str](), time.monotonic() + seconds, audit.from_now()
    for turn in itertools.count():
        if time.monotonic() >= end:
            break
        moves.traffic.usual = SLOW_S * (1.0 + 0.1 * (turn % 5))
        begun |= {name for name in names if _moves(moves, name)}
        time.sleep(1)
    objects = len(moves.rest.list("aiservices", moves.services.namespace)) + len(moves.pool.nodes)
    return Watch(seconds, objects, log.writes(), sorted(begun))


def _moves(moves: Moves, name: str) -> bool:
    return bool(moves.migration(name) or moves.records(name)) or len(moves.services.copies(name)) != 1


def answers(moves: Moves, name: str) -> bool:
    """Whether somebody is behind the Service."""
    return moves.services.ready_endpoints(name) > 0
