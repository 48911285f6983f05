"""Moves at one moment: a service on its way from gnb-7 to gnb-8, and what is known of both of its copies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.api.conditions import Reason
from aif.api.migration_status import MigrationStatus, Phase, Placement
from aif.contract.alarms import Finding
from aif.contract.alarms import Phase as Alarm
from aif.contract.copies import FAILURES, CopyLook
from aif.contract.limits import Limit, Sense, limits_of, load_of
from aif.contract.readings import Gap
from aif.contract.watch import Judged
from aif.domain.cluster import Node, Pod
from aif.domain.conditions import timestamp
from aif.reconcile.children import disruption_budget, front
from aif.reconcile.moving.state import begun
from aif.reconcile.outcome import Outcome
from aif.reconcile.placing import place
from aif.reconcile.snapshot import Snapshot
from tests.builders import NOON, an_aiservice
from tests.reconcile.scenes import a_child, a_copys_pod, a_placement, a_view, copy_of, placed
from tests.reconcile.spread import READY, a_world_of

LATER: Final = NOON + timedelta(seconds=30)
TARGET_US: Final = 20_000
QOS: Final = {"latency": {"maxP99Microseconds": TARGET_US}}


def a_service(**spec: Any) -> AIService:
    """Return a service with a latency target of 20 ms that serves on gnb-7."""
    return placed(an_aiservice(**({"qos": QOS} | spec)))


def here(service: AIService) -> Placement:
    """Return the placement on gnb-7."""
    return a_placement(service)


def there(service: AIService) -> Placement:
    """Return the placement on gnb-8."""
    return a_placement(service, "gnb-8", predicted_network_microseconds=0)


def moving(
    phase: Phase = Phase.TARGET_RESERVED,
    trigger: Reason = Reason.LATENCY_BREACHED,
    *,
    since: datetime = NOON,
    service: AIService | None = None,
    **fields: Any,
) -> AIService:
    """Return a service that moves from gnb-7 to gnb-8 and has come so far."""
    base = service or a_service()
    move = begun(base, trigger, ([here(base)], [there(base)]), NOON)
    move = move.model_copy(update={"phase": phase, "phase_since": timestamp(since), **fields})
    places = [there(base)] if phase is Phase.SOURCE_DRAINING else [here(base)]
    status = base.status.model_copy(update={"placements": places, "migration": move})
    return base.model_copy(update={"status": status})


def a_limit(service: AIService, dimension: str = "latency") -> Limit:
    """Return the promise of a dimension."""
    if dimension == FAILURES:
        return Limit(FAILURES, Sense.SHARE, 0.99, 1e-6, 0.0, 1.0, hard=True, least_requests=100)
    return next(limit for limit in limits_of(service) if limit.dimension == dimension)


def judged(
    service: AIService, value: float | None, *, dimension: str = "latency", gap: Gap = Gap.MISSING, **fields: Any
) -> Judged:
    """Return what is known of a promise where ``value`` was measured, in SI units."""
    limit = a_limit(service, dimension)
    broken = value is not None and load_of(limit, value) > limit.raise_above
    finding = Finding.UNKNOWN if value is None else Finding.BREACHED if broken else Finding.MET
    known = Judged(
        limit,
        finding,
        gap if value is None else Gap.NONE,
        value,
        value,
        NOON.timestamp(),
        Alarm.RAISED if broken else Alarm.QUIET,
        NOON.timestamp(),
        NOON.timestamp(),
        estimated=False,
    )
    return replace(known, **fields)


def a_look(
    service: AIService, value: float | None, *, requests: float | None = 1000, began: datetime = NOON, **fields: Any
) -> CopyLook:
    """Return what is known of a copy whose latency is ``value`` seconds."""
    window = fields.pop("window", 30)
    return CopyLook(began.timestamp(), window, requests, (judged(service, value, **fields),))


def pod_of(service: AIService, placement: Placement, **fields: Any) -> Pod:
    """Return the pod of a copy."""
    return a_copys_pod(
        copy_of(service, placement), uid=f"pod-{placement.node}", **{"node": placement.node_name, **fields}
    )


def world(
    service: AIService,
    *,
    source: bool | None = True,
    target: bool | None = True,
    serving: Iterable[str] | None = None,
    looks: tuple[float | None, float | None] | None = None,
    nodes: Iterable[Node] = READY,
    **overrides: Any,
) -> Snapshot:
    """Return the world of a move.

    Args:
        service: What moves.
        source: Whether the copy on gnb-7 is ready; None where its pod is gone.
        target: The same of the copy on gnb-8.
        serving: Nodes whose pods the Service leads to; those of all ready pods unless told.
        looks: Latencies of source and target in seconds; without them nothing measures.
        nodes: The Nodes.
        overrides: Fields of the snapshot.
    """
    ends = ((here(service), source), (there(service), target))
    pods = [pod_of(service, place, ready=ready) for place, ready in ends if ready is not None]
    copies = [copy_of(service, place) for place, ready in ends if ready is not None]
    children = [*copies, a_child(front(service)), a_child(disruption_budget(service, 1))]
    uids = {f"pod-{node}" for node in serving} if serving is not None else {pod.uid for pod in pods if pod.ready}
    view = replace(a_view(*children, pods=pods), serving=frozenset(uids))
    snapshot = a_world_of(service, nodes=nodes, view=view)
    if looks is not None:
        values = dict(zip((here(service).copy_id, there(service).copy_id), looks, strict=True))
        told = {copy: a_look(service, value) for copy, value in values.items()}
        snapshot = replace(snapshot, judged=(judged(service, looks[0]),), judged_copies=told)
    return replace(snapshot, **overrides)


def goes_on(service: AIService, snapshot: Snapshot, now: datetime = LATER) -> Outcome:
    """Return what is decided of a move."""
    return place(service, snapshot, now)


def under_way(outcome: Outcome) -> MigrationStatus:
    """Return the move, which must go on."""
    assert outcome.migration is not None, outcome.ended
    return outcome.migration


def told(outcome: Outcome) -> list[str]:
    """Return the news."""
    return [each.reason for each in outcome.news]


def breached(
    service: AIService, *rows: ComputeNode, nodes: Iterable[Node] = READY, value: float = 0.030, **fields: Any
) -> Snapshot:
    """Return the world of a service that serves on gnb-7 and breaks its contract there."""
    snapshot = a_world_of(service, *rows, nodes=nodes, view=world(service, target=None).view)
    return replace(snapshot, judged=(judged(service, value, **fields),))


def annotated(service: AIService, **values: str) -> AIService:
    """Return ``service`` with these annotations."""
    meta = service.metadata.model_copy(update={"annotations": values})
    return service.model_copy(update={"metadata": meta})
