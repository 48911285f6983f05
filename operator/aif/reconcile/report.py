"""The status of an AIService: conditions, evidence, and text for the columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from aif.api.aiservice import AIService
from aif.api.aiservice_status import AIServiceStatus, AIServiceSummary
from aif.api.conditions import Reason
from aif.api.migration_status import MigrationRecord, Phase, Placement
from aif.contract.pressure import Pressure
from aif.domain.cluster import SERVICE_LABEL, ServiceView
from aif.domain.conditions import Verdict, ready, settle
from aif.reconcile import evidence, measured, pressed
from aif.reconcile.children import url
from aif.reconcile.moving.scene import IMAGE_FAULTS
from aif.reconcile.moving.state import count, course_of, remembered
from aif.reconcile.outcome import Outcome
from aif.reconcile.rollout import staying
from aif.reconcile.snapshot import Snapshot

STALLING = frozenset({Reason.INVALID_SPEC, Reason.REF_NOT_FOUND, Reason.NAME_CONFLICT, Reason.NOT_IMPLEMENTED})
"""Reasons that no retry mends; all other refusals wait for the world to change."""


_IN_WORDS = {
    Phase.TARGET_RESERVED: "the new copy comes up, the old one serves",
    Phase.TARGET_READY: "both copies serve and are judged side by side",
    Phase.CONTRACT_VERIFIED: "requests turn to the new copy",
    Phase.TRAFFIC_SWITCHED: "the new copy serves on probation, the old one stands ready",
    Phase.SOURCE_DRAINING: "the new copy serves, the old one ends its requests",
}


def report(
    service: AIService, snapshot: Snapshot, outcome: Outcome, now: datetime, fault: Verdict | None = None
) -> AIServiceStatus:
    """Return the status after ``outcome``; the evidence of an earlier decision stays while its placement does."""
    generation = service.metadata.generation
    placements = outcome.placements
    verdicts = list(judge(service, snapshot, outcome, fault))
    update: dict[str, Any] = {
        "observed_generation": generation,
        "conditions": settle(verdicts, service.status.conditions, generation, now),
        "placements": list(placements),
        "plan": outcome.plan if fault is None else service.status.plan,
        "migration": outcome.migration,
        "migrations": remembered(service, outcome.ended),
        **outcome.handled,
        "url": url(service) if placements else None,
        "replicas": len([pod for pod in snapshot.view.pods if not pod.terminating]),
        "selector": f"{SERVICE_LABEL}={service.metadata.name}",
        "summary": summary(service, placements, outcome.ended),
        "resources": pressed.rows(service, _pressures(snapshot, outcome)),
        **_decided(service, outcome),
        **(evidence.of_selection(service, outcome.selection) if outcome.selection else {}),
    }
    if placements and snapshot.judged:
        planned = update.get("qos", service.status.qos)
        update["qos"] = measured.rows(planned, service.status.qos, snapshot.judged, service)
    return service.status.model_copy(update=update)


def _pressures(snapshot: Snapshot, outcome: Outcome) -> Sequence[Pressure] | None:
    """Return what presses on the pods of a placed service; on one without a place nothing does."""
    return snapshot.pressures if outcome.placements else ()


def _decided(service: AIService, outcome: Outcome) -> dict[str, object]:
    if not outcome.placements:
        return {"decided_generation": None, **({} if outcome.selection else evidence.NONE)}
    settled = outcome.verdict.status == "True"
    return {"decided_generation": service.metadata.generation} if settled else {}


def judge(service: AIService, snapshot: Snapshot, outcome: Outcome, fault: Verdict | None) -> Iterator[Verdict]:
    """Yield all conditions: Ready first, as the sum of its parts, those that exist only while True last."""
    parts = list(_parts(snapshot, outcome, fault))
    whole = ready(parts)
    yield whole
    yield from parts
    yield from measured.conditions(service, snapshot.judged if outcome.placements or snapshot.judged is None else ())
    yield from pressed.conditions(pressed.rows(service, _pressures(snapshot, outcome)))
    yield outcome.approval or _approval(outcome)
    if outcome.degraded is not None:
        yield outcome.degraded
    yield from _migrating(service, snapshot, outcome)
    if whole.status == "True" or whole.reason in (Reason.SUSPENDED, Reason.AWAITING_APPROVAL):
        return
    kind = "Stalled" if whole.reason in STALLING else "Reconciling"
    yield Verdict(kind, "True", whole.reason, whole.message)


def _migrating(service: AIService, snapshot: Snapshot, outcome: Outcome) -> Iterator[Verdict]:
    """Yield that the service moves, or that a move that a person asked for cannot be; that lasts until the next one."""
    move = outcome.migration
    if move is not None:
        yield Verdict("Migrating", "True", Reason(move.trigger), f"{course_of(move)}: {_IN_WORDS[move.phase]}")
    elif outcome.ended is None and outcome.placements and staying(service, outcome.placements, snapshot.view):
        yield Verdict("Migrating", "True", Reason.PROGRESSING, "The old copy serves until the new one is ready")
    elif outcome.refused is not None:
        yield outcome.refused
    elif outcome.ended is None:
        before = next((each for each in service.status.conditions if each.type == "Migrating"), None)
        if before is not None and before.reason == Reason.MIGRATION_FORBIDDEN:
            yield Verdict("Migrating", "False", Reason.MIGRATION_FORBIDDEN, before.message)


def _parts(snapshot: Snapshot, outcome: Outcome, fault: Verdict | None) -> Iterator[Verdict]:
    faults = {fault.type: fault} if fault else {}
    yield faults.get("Accepted", Verdict("Accepted", "True", Reason.AS_EXPECTED))
    yield outcome.verdict
    if outcome.local:
        yield Verdict("WorkloadReady", "True", Reason.SERVED_LOCALLY)
        yield Verdict("EndpointReady", "True", Reason.SERVED_LOCALLY, outcome.verdict.message)
        return
    yield faults.get("WorkloadReady", _workload(outcome, snapshot))
    yield _endpoint(outcome, snapshot.view)


def _workload(outcome: Outcome, snapshot: Snapshot) -> Verdict:
    view, wanted = snapshot.view, sum(placement.replicas for placement in outcome.placements)
    if not outcome.placements:
        return Verdict("WorkloadReady", "False", outcome.verdict.reason, "Not placed")
    answering = sum(pod.ready and not pod.terminating for pod in view.pods)
    if answering >= wanted:
        return Verdict("WorkloadReady", "True", Reason.AS_EXPECTED)
    nodes = ", ".join(placement.node for placement in outcome.placements)
    count = f"{answering} of {wanted} replicas ready on {nodes}"
    unready = [each for each in outcome.placements if view.ready_pods(each.copy_id) < each.replicas]
    return _unready((unready or outcome.placements)[0], snapshot, count)


def _unready(placement: Placement, snapshot: Snapshot, count: str) -> Verdict:
    """Return why a copy is not ready: its node, its pods' creation, or what its containers wait for."""
    view = snapshot.view
    node = snapshot.nodes.get(placement.node_name)
    if node is not None and node.ready != "True":
        lost = Reason.NODE_NOT_READY if node.ready == "False" else Reason.NODE_UNREACHABLE
        return Verdict("WorkloadReady", "False", lost, count)
    obstacle = _creation_failure(view, placement.copy_id)
    if obstacle:
        reason = Reason.QUOTA_EXCEEDED if "exceeded quota" in obstacle else Reason.NO_READY_ENDPOINT
        return Verdict("WorkloadReady", "False", reason, f"{count}: {obstacle}")
    return Verdict("WorkloadReady", "False", _waiting_reason(view, placement.copy_id), count)


def _creation_failure(view: ServiceView, copy: str) -> str:
    """Return why the pods of a copy cannot be created, such as a quota; empty where they can."""
    for child in view.children:
        if child.copy == copy:
            for entry in child.body.get("status", {}).get("conditions", []):
                if entry.get("type") == "ReplicaFailure" and entry.get("status") == "True":
                    return str(entry.get("message", ""))
    return ""


def _waiting_reason(view: ServiceView, copy: str) -> Reason:
    waiting = {pod.waiting for pod in view.pods if pod.copy == copy}
    if waiting & IMAGE_FAULTS:
        return Reason.IMAGE_PULL_FAILED
    return Reason.CRASH_LOOPING if "CrashLoopBackOff" in waiting else Reason.PROGRESSING


def _endpoint(outcome: Outcome, view: ServiceView) -> Verdict:
    if view.ready_endpoints:
        return Verdict("EndpointReady", "True", Reason.AS_EXPECTED)
    if not outcome.placements:
        return Verdict("EndpointReady", "False", outcome.verdict.reason, "Not placed")
    return Verdict("EndpointReady", "False", Reason.NO_READY_ENDPOINT, "No replica answers yet")


def _approval(outcome: Outcome) -> Verdict:
    waits = outcome.verdict.reason is Reason.AWAITING_APPROVAL
    if waits:
        return Verdict("ApprovalRequired", "True", Reason.AWAITING_APPROVAL, outcome.verdict.message)
    return Verdict("ApprovalRequired", "False", Reason.AS_EXPECTED)


def summary(
    service: AIService, placements: Sequence[Placement], ended: MigrationRecord | None = None
) -> AIServiceSummary:
    """Return the text of the printer columns; of several predictions the worst."""
    latency = service.spec.qos.latency
    predicted = [each.predicted_latency_microseconds for each in placements if each.predicted_latency_microseconds]
    return AIServiceSummary(
        node=",".join(placement.node for placement in placements)[:256],
        tier=",".join(dict.fromkeys(placement.tier for placement in placements)),
        predicted=milliseconds(max(predicted, default=None)),
        target=milliseconds(latency.max_p99_microseconds if latency else None),
        migrations=count(remembered(service, ended)),
    )


def milliseconds(microseconds: int | None) -> str:
    """Return a duration for people, such as ``5.3ms``; empty where there is none."""
    return "" if microseconds is None else f"{microseconds / 1000:.1f}ms"
