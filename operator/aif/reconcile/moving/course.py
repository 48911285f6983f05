"""How a move goes on: step by step, each recorded before anything is done, and back until the old copy drains.

The same status and the same world give the same step, so whoever resumes after a crash goes on where it was left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.api.migration_status import Phase, VerifiedBy
from aif.domain import events
from aif.domain.annotations import ABORT
from aif.domain.conditions import Verdict
from aif.reconcile import tenure
from aif.reconcile.holding import claims_for, leaving
from aif.reconcile.moving.asking import abort_of, number_of
from aif.reconcile.moving.scene import Scene
from aif.reconcile.moving.state import completed, destination, elapsed, in_step, remaining, taken_back
from aif.reconcile.moving.verification import Answer, Look, Opinion, opinion
from aif.reconcile.outcome import Outcome, placed_verdict
from aif.reconcile.rollout import own_children, reference, serves_alone
from aif.reconcile.snapshot import Snapshot
from aif.reconcile.tenure import Tenure

STARTING_SECONDS = 60.0
"""Beyond its own time to start, a pod may be pulled and scheduled for so long; Deployments wait as long."""

LINGERING_SECONDS = 30.0
"""A pod that ends takes so long beyond its drain at most, unless its node is gone."""


def carry_on(service: AIService, snapshot: Snapshot, now: datetime) -> Outcome:
    """Return the next steps of the move that the status tells of: as many as can be taken at once."""
    if service.status.migration is None:
        raise ValueError(service.metadata.name)
    scene = Scene(service, in_step(service, service.status.migration, now), snapshot, now)
    if scene.move.phase is Phase.SOURCE_DRAINING:
        return _drain(scene)
    standing = _standing(scene)
    back = _way_back(scene, standing)
    if back is not None:
        return back
    scene, waiting = _advance(scene)
    if isinstance(waiting, Outcome):
        return waiting
    times = [waiting, *(each.again_after for each in standing), remaining(scene.move.deadline, now)]
    return _under_way(scene, min((each for each in times if each), default=None))


def _standing(scene: Scene) -> list[Tenure]:
    """Return whether the new copies may stay where they are; what the old ones take beside them goes with them."""
    table = scene.snapshot.table.without(tenure.claims_of(scene.leaving, scene.snapshot))
    snapshot = replace(scene.snapshot, table=table)
    return [tenure.judge(scene.service, each, snapshot, scene.now) for each in scene.move.targets]


def _advance(scene: Scene) -> tuple[Scene, float | Outcome | None]:
    """Take steps until one has to wait; return with what for, in seconds, or how the move was taken back instead."""
    while True:
        found = STEPS[scene.move.phase](scene) if scene.move.phase in STEPS else None
        if not isinstance(found, Scene):
            return scene, found
        scene = found


def _come_up(scene: Scene) -> Scene | float | None:
    if scene.target_ready and scene.target_serves:
        return scene.on(Phase.TARGET_READY, events.target_ready(scene.here, scene.course))
    return _starting_seconds(scene) - elapsed(scene.move.phase_since, scene.now)


def _verify(scene: Scene) -> Scene | float | Outcome | None:
    """Judge both copies side by side; a source that is gone leaves nothing to judge."""
    if not scene.source_ready:
        return _verified(scene, Opinion(Answer.GO_ON, VerifiedBy.PROBE)) if scene.target_ready else None
    found = opinion(Look(scene.service, scene.move, scene.snapshot, scene.now))
    if found.answer is Answer.GO_BACK:
        return _told_back(scene, found)
    return found.again_after if found.answer is Answer.WAIT else _verified(scene, found)


def _verified(scene: Scene, found: Opinion) -> Scene:
    by = found.verified_by or VerifiedBy.PROBE
    figures = "; ".join(f"{e.dimension} {e.source} -> {e.target}, promised {e.promised}" for e in found.figures)
    told = f"{by} ({figures})" if figures and by is VerifiedBy.MEASUREMENT else str(by)
    news = events.verified(scene.here, scene.course, told)
    return scene.on(
        Phase.CONTRACT_VERIFIED, news, verified_by=by, figures=list(found.figures) or list(scene.move.figures)
    )


def _switch(scene: Scene) -> Scene | float | None:
    """Wait until the Service leads to the new copy alone; where it cannot name one copy, both go on serving."""
    alone = serves_alone(scene.service, scene.move, scene.snapshot)
    if not alone:
        return _draining(scene) if scene.target_serves else None
    others = scene.snapshot.view.serves_beside({alone})
    if others or not scene.target_serves or scene.move is not scene.service.status.migration:
        return None
    return scene.on(Phase.TRAFFIC_SWITCHED, events.switched(scene.here, scene.course))


def _prove(scene: Scene) -> Scene | float | Outcome | None:
    """Judge the new copy under all of the load; without a source that could take over, there is no use in it."""
    if not scene.source_ready:
        return _draining(scene) if scene.target_ready else None
    found = opinion(Look(scene.service, scene.move, scene.snapshot, scene.now))
    if found.answer is Answer.GO_BACK:
        return _told_back(scene, found)
    return found.again_after if found.answer is Answer.WAIT else _draining(scene, figures=list(found.figures))


def _draining(scene: Scene, **told: object) -> Scene:
    return scene.on(Phase.SOURCE_DRAINING, **{name: value for name, value in told.items() if value})


STEPS: Mapping[Phase, Callable[[Scene], Scene | float | Outcome | None]] = {
    Phase.TARGET_RESERVED: _come_up,
    Phase.TARGET_READY: _verify,
    Phase.CONTRACT_VERIFIED: _switch,
    Phase.TRAFFIC_SWITCHED: _prove,
}
"""What each phase waits for."""


def _under_way(scene: Scene, again_after: float | None) -> Outcome:
    """Return the move as it stands; once the old copy drains, the new one is what is placed."""
    draining = scene.move.phase is Phase.SOURCE_DRAINING
    placed = scene.service.status.placements
    placements = tuple(destination(placed, scene.move) if draining else placed)
    held = placements if draining else (*placements, *scene.move.targets)
    return Outcome(
        placed_verdict(placements),
        placements,
        leaving(claims_for(scene.service, held, scene.snapshot), scene.move),
        plan=scene.service.status.plan,
        migration=scene.move,
        again_after=again_after,
        news=scene.news,
    )


def _way_back(scene: Scene, standing: list[Tenure]) -> Outcome | None:
    """Return why the move cannot go on; None where nothing is against it."""
    if any(not tenure.same_pods(scene.service, each) for each in scene.move.targets):
        return roll_back(scene, Reason.SUPERSEDED, "the spec describes other pods by now")
    value = abort_of(scene.service)
    if value and number_of(value) == scene.move.id:
        back = roll_back(scene, Reason.ABORTED, f"a person asked for it ({ABORT}={value})")
        return replace(back, handled={"last_handled_abort": value})
    against = next((each for each in standing if not each.stays), None)
    if against is not None:
        back = roll_back(scene, against.reason, against.message)
        return replace(back, barred=frozenset({against.placement.node} if against.barred else ()))
    return _failing(scene) or _late(scene)


def _failing(scene: Scene) -> Outcome | None:
    """Return that the new copy fails, where the old one can still take over."""
    if scene.move.phase is Phase.TARGET_RESERVED:
        over = elapsed(scene.move.phase_since, scene.now) >= _starting_seconds(scene)
        return roll_back(scene, scene.fault, "its pods do not run") if over and scene.fault else None
    if scene.target_ready or not scene.source_ready:
        return None
    return roll_back(scene, scene.fault or Reason.NO_READY_ENDPOINT, "the new copy was ready, and is no longer")


def _late(scene: Scene) -> Outcome | None:
    """Return that the time is over; looks at copies end by themselves then, and what serves alone is not taken away."""
    if remaining(scene.move.deadline, scene.now):
        return None
    looking = scene.move.phase in (Phase.TARGET_READY, Phase.TRAFFIC_SWITCHED) and scene.target_serves
    if scene.target_ready and (looking or not scene.source_ready):
        return None
    reason = scene.fault or Reason.MIGRATION_TIMEOUT
    return roll_back(scene, reason, f"not over within {scene.service.spec.migration.timeout_seconds} s")


def _starting_seconds(scene: Scene) -> float:
    workload = scene.service.spec.workload
    return (workload.startup_seconds if workload else 0) + STARTING_SECONDS


def _told_back(scene: Scene, found: Opinion) -> Outcome:
    return roll_back(scene, found.reason, found.message)


def roll_back(scene: Scene, reason: Reason, why: str) -> Outcome:
    """Return that the placements stay what they are; what came up in their place goes."""
    placements = tuple(scene.service.status.placements)
    return Outcome(
        placed_verdict(placements),
        placements,
        claims_for(scene.service, placements, scene.snapshot),
        plan=scene.service.status.plan,
        ended=taken_back(scene.service, scene.move, reason, scene.now),
        news=(*scene.news, events.rolled_back(scene.here, scene.course, reason, why)),
    )


def _drain(scene: Scene) -> Outcome:
    """Wait until the old copies are gone; a new one that is lost meanwhile is not waited with."""
    standing = _standing(scene)
    over = elapsed(scene.move.phase_since, scene.now) - scene.service.spec.migration.drain_seconds
    if not _remains(scene) or over >= LINGERING_SECONDS or any(each.lost for each in standing):
        return _end(scene)
    return _under_way(scene, LINGERING_SECONDS - over)


def _remains(scene: Scene) -> list[object]:
    copies = {each.copy_id for each in scene.move.sources}
    children = [each for each in own_children(scene.service, scene.snapshot.view) if each.copy in copies]
    return [*children, *(pod for pod in scene.snapshot.view.pods if pod.copy in copies)]


def _end(scene: Scene) -> Outcome:
    seconds = elapsed(scene.move.started_at, scene.now)
    news = events.completed(scene.here, scene.course, seconds)
    ended = completed(scene.service, scene.move, scene.now)
    return replace(_under_way(scene, None), migration=None, ended=ended, news=(*scene.news, news))


def refuse_abort(service: AIService, outcome: Outcome) -> Outcome:
    """Answer a request to end a move that is not under way, or has no way back."""
    value = abort_of(service)
    move = outcome.migration
    pending = move is not None and move.id == number_of(value) and move.phase is not Phase.SOURCE_DRAINING
    if not value or "last_handled_abort" in outcome.handled or pending:
        return outcome
    message = f"No move {value.partition('#')[0]} that could be ended is under way"
    news = events.forbidden(reference(service), message)
    verdict = None if move else Verdict("Migrating", "False", Reason.MIGRATION_FORBIDDEN, message)
    handled = {**outcome.handled, "last_handled_abort": value}
    return replace(outcome, refused=verdict, handled=handled, news=(*outcome.news, news))
