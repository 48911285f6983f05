"""A breach, an alarm and a move: the node of a service is slowed down, and the service leaves it while it serves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aif.api.aiservice import AIService
from aif.api.aiservice_status import DimensionStatus, Placement
from aif.api.base import API_VERSION
from aif.cli.figures import duration
from aif.cli.moves import moves
from aif.cli.moves import view as moves_view
from cluster.errors import ClusterError
from cluster.health import await_fact
from cluster.progress import Running, Step, Steps
from demo.objects import Objects
from demo.record import Made

MOVED: Final = "roadside"
"""The service whose node is slowed down."""

STEPS: Final = (
    Step("Measure the contract of roadside", "10 s"),
    Step("Slow its node down until the alarm", "15 s"),
    Step("Move it while it serves", "40 s"),
    Step("See the contract kept again", "5 s"),
)
PATIENCE_S: Final = 180.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Where it happens.

    Attributes:
        objects: The objects of the cluster.
        namespace: Namespace of the services.
        slow_down: Slows down the node of a placement, and says how.
        require_alive: Raises where the operator has ended.
    """

    objects: Objects
    namespace: str
    slow_down: Callable[[Placement], str]
    require_alive: Callable[[], None]

    def service(self) -> AIService:
        """The service as it is."""
        found = self.objects.get(Made(API_VERSION, "AIService", MOVED, self.namespace))
        if found is None:
            raise ClusterError(f"AIService {MOVED} is gone: run `make demo-down`, then `make demo` again")
        return AIService.model_validate(found)

    def until(self, holds: Callable[[AIService], str], at: Running) -> AIService:
        """Wait until `holds` returns an empty text about the service; until then it says what is waited for."""
        seen: list[AIService] = []
        begun = time.monotonic()

        def fact() -> bool:
            self.require_alive()
            seen[:] = [self.service()]
            waiting = holds(seen[0])
            at.detail(f"{waiting} ({time.monotonic() - begun:.0f} s)")
            return not waiting

        await_fact(fact, lambda: _late(holds(seen[0])), PATIENCE_S)
        return seen[0]


def show(scene: Scene, steps: Steps) -> None:
    """Tell the story on `steps`, a line per turn; where it has been told, the steps only say so.

    Raises ClusterError: a turn does not come, or the operator ends.
    """
    if scene.service().status.migrations:
        for step in STEPS:
            with steps.run(step.title):
                pass
        steps.say(f"{MOVED} has moved before: see the moves below")
        return
    measure, slow, move, kept = (step.title for step in STEPS)
    with steps.run(measure) as at:
        met = scene.until(_met, at)
    steps.say(f"      {_figure(met)}: met")
    with steps.run(slow) as at:
        steps.say(f"      {scene.slow_down(met.status.placements[0])}")
        alarmed = scene.until(_alarm, at)
    steps.say(f"      {_figure(alarmed)}: an alarm")
    with steps.run(move) as at:
        _follow(scene, steps, at)
    with steps.run(kept) as at:
        kept_again = scene.until(_met, at)
    steps.say(f"      {MOVED} on {_where(kept_again)}: met again, the alarm is cleared")


def _follow(scene: Scene, steps: Steps, at: Running) -> None:
    """Say each phase of the move as it comes."""
    told: list[str] = []

    def ended(service: AIService) -> str:
        move = service.status.migration
        if move is not None and move.phase not in told:
            if not told:
                steps.say(f"      {moves_view.heading(move).plain}")
            told.append(move.phase)
            steps.say(f"      {moves_view.line(moves.Pursuit('', 0, number=move.id).with_seen(service))}")
        done = move is None and bool(service.status.migrations)
        return "" if done else f"{len(told)} of {len(moves.PHASES)} phases" if told else "the move begins"

    service = scene.until(ended, at)
    last = service.status.migrations[-1]
    steps.say(f"      {last.result}: from {last.source} to {last.to} in {moves.seconds(last)} s")


def _latency(service: AIService) -> DimensionStatus | None:
    return next((row for row in service.status.qos if row.dimension == "latency"), None)


def _met(service: AIService) -> str:
    row = _latency(service)
    return (
        "" if row is not None and row.verdict == "Met" and row.alarm is None else "latency is not known to be met yet"
    )


def _alarm(service: AIService) -> str:
    raised = moves.condition(service, "ThresholdAlarm")
    if raised is not None and raised.status == "True":
        return ""
    row = _latency(service)
    breached = row is not None and row.verdict == "Breached"
    return "latency is breached, but not for long yet" if breached else "latency is not breached yet"


def _figure(service: AIService) -> str:
    row, where = _latency(service), _where(service)
    if row is None or row.measured is None:
        return f"{MOVED} on {where}"
    return f"{MOVED} on {where}: 99 of 100 requests within {duration(row.measured)} of {duration(row.target)}"


def _where(service: AIService) -> str:
    return moves.nodes(place.node for place in service.status.placements)


def _late(waiting: str) -> ClusterError:
    return ClusterError(f"after {PATIENCE_S:.0f} s: {waiting}; see `aif explain {MOVED}` and the operator's log")
