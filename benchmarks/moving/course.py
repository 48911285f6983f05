"""Moves under load, one strategy after the other, and what each lost."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from cluster.progress import Running, Steps
from moving.loading import Load, Told, under_load
from moving.strategies import Mover, Strategy, mover, url_of
from moving.testbed import Testbed

_SETTLE_S: Final = 3.0
"""Load runs for so long before the first move, and after the last copy has drained."""

_DRAIN_S: Final = 12.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done with each strategy: moves in all, over so many services, with `pause` seconds between."""

    moves: int
    services: int
    load: Load
    pause: float
    requests: int = 0
    """Load goes on until so many were sent, also after the last move."""


@dataclass(frozen=True, slots=True)
class Move:
    """One move, in seconds since the epoch."""

    service: str
    source: str
    target: str
    begun: float
    ended: float


@dataclass(slots=True)
class Lap:
    """What a strategy did and lost."""

    strategy: Strategy
    moves: list[Move] = field(default_factory=list)
    told: Told = field(default_factory=Told)

    def failures_around(self) -> list[dict[str, Any]]:
        """Return the failures, each with the moves under way then or just before, and the seconds since their begin."""
        return [
            failure
            | {
                "moves": [
                    f"{move.service}: {move.source} to {move.target}, {failure['time'] - move.begun:+.2f} s"
                    for move in self.moves
                    if move.begun - 1 <= failure["time"] <= move.ended + _DRAIN_S
                ]
            }
            for failure in self.told.failures
        ]


def run(site: Testbed, strategy: Strategy, plan: Plan, steps: Steps) -> Lap:
    """Serve, send load, move, and tell what came of it."""
    namespace = f"moves-{strategy.value}"
    with steps.run(f"{strategy.value}: start {plan.services} services"):
        site.add_namespace(namespace)
        way, names = mover(strategy, site, namespace), [f"plates-{number}" for number in range(plan.services)]
        with ThreadPoolExecutor(plan.services) as pool:
            list(pool.map(way.serve, names, itertools.cycle(site.names)))
        urls = [url_of(site, namespace, name) for name in names]
    lap = Lap(strategy)
    time.sleep(_SETTLE_S)
    with (
        steps.run(f"{strategy.value}: {plan.moves} moves under load") as running,
        under_load(site.real, urls, plan.load) as told,
    ):
        lap.told = told
        begun = time.monotonic()
        time.sleep(_SETTLE_S)
        _move_all(site, way, names, plan, lap, running)
        time.sleep(max(_DRAIN_S, plan.requests / (plan.load.rate or 1) - (time.monotonic() - begun)))
    with steps.run(f"{strategy.value}: remove the services"):
        site.kubectl("delete", "namespace", namespace, "--wait=true")
    return lap


def _move_all(site: Testbed, way: Mover, names: Sequence[str], plan: Plan, lap: Lap, running: Running) -> None:
    """Let each service go round the nodes, each from one of its own.

    Its moves follow one another, those of several services do not wait.
    """
    over = threading.Event()

    def go_round(number: int) -> None:
        for step in range(plan.moves // len(names) + (number < plan.moves % len(names))):
            if over.is_set():
                return
            source, target = (site.names[(number + step + more) % len(site.names)] for more in (0, 1))
            begun = time.time()
            way.move(names[number], target)
            lap.moves.append(Move(names[number], source, target, begun, time.time()))
            running.advance(len(lap.moves), total=plan.moves)
            time.sleep(plan.pause)

    with ThreadPoolExecutor(len(names)) as pool:
        try:
            list(pool.map(go_round, range(len(names))))
        finally:
            over.set()
