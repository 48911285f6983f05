"""What moves a service whose placements could all stay: a person, a broken contract, a better node."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from aif.api.aiservice import AIService, ApprovalStep
from aif.api.conditions import Reason
from aif.api.quantity import Quantity
from aif.contract.alarms import Finding, Phase
from aif.contract.limits import load_of
from aif.contract.watch import Judged
from aif.domain import events
from aif.domain.actions import Emit
from aif.domain.annotations import ANYWHERE
from aif.domain.conditions import Verdict as Condition
from aif.planning.mobility.moves import Verdict
from aif.reconcile.approval import waiting_steps
from aif.reconcile.gate import gate, taken
from aif.reconcile.measured import BREACHES, sentence
from aif.reconcile.moving.asking import node_of, request_of
from aif.reconcile.moving.limits import Hold, hold, left_nodes
from aif.reconcile.outcome import Outcome
from aif.reconcile.rollout import reference
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.cycle import select
from aif.scheduling.selection import Selection
from aif.scheduling.whereabouts import seen_from

SPIKE = 1.5
"""Requests that come so many times as fast as over the slow window are a burst."""

TURN_SECONDS = 1.0
"""When a request is looked at again while too many services move."""

HELPLESS = frozenset({"accuracy"})
"""Dimensions that no other node improves."""


def pressed(service: AIService, settled: Outcome, snapshot: Snapshot, now: datetime) -> Outcome:
    """Return what is decided where all placements could stay: ``settled``, unless something else moves the service."""
    value = request_of(service)
    if value:
        return _requested(service, value, settled, snapshot)
    broken = [each for each in snapshot.judged or () if _moves(each)]
    if broken:
        return _breached(service, broken, settled, snapshot, now)
    if settled.degraded is None and any(map(_alarmed, snapshot.judged or ())):
        return _as_told(service, settled)
    if (ahead := _ahead(service, settled, snapshot, now)) is not None:
        return ahead
    if service.spec.migration.rebalance and settled.degraded is None:
        return _rebalanced(service, settled, snapshot, now)
    return settled


def _moves(judged: Judged) -> bool:
    """Tell whether an alarm is one that another node could end: raised, and known to be broken now.

    An alarm that only waits for its level to clear moves nobody from a node that keeps the contract.
    """
    values = [value for value in (judged.value, judged.recent) if value is not None]
    broken = all(load_of(judged.limit, value) > judged.limit.raise_above for value in values)
    return _alarmed(judged) and judged.finding is Finding.BREACHED and broken


def _alarmed(judged: Judged) -> bool:
    """Tell whether an alarm stands that another node could end."""
    return judged.phase is Phase.RAISED and judged.limit.hard and judged.dimension not in HELPLESS


def _as_told(service: AIService, settled: Outcome) -> Outcome:
    """Return that nothing moves for the reason of before: an alarm stands, and its value only comes and goes."""
    before = next((each for each in service.status.conditions if each.type == "Degraded"), None)
    if before is None or before.observed_generation != service.metadata.generation:
        return settled
    return replace(settled, degraded=Condition("Degraded", "True", Reason(before.reason), before.message), waits=True)


def _requested(service: AIService, value: str, settled: Outcome, snapshot: Snapshot) -> Outcome:
    """Answer a person; the name of a node is its approval, ``any`` approves the move and nothing else."""
    if not (snapshot.may_move and snapshot.may_start):
        return replace(settled, again_after=min(settled.again_after or TURN_SECONDS, TURN_SECONDS))
    handled, node = {"last_handled_migrate_to": value}, node_of(value)
    here = {placement.node for placement in service.status.placements}
    if node != ANYWHERE and node not in snapshot.table.names:
        return _refused(service, settled, f"No ComputeNode {node}; see kubectl get computenodes", handled)
    if node in here:
        return _refused(service, settled, f"{node} serves already", handled)
    service = snapshot.located(service)
    selection = elsewhere(service, snapshot, only=None if node == ANYWHERE else node)
    if selection.chosen is None or selection.shortfall:
        return _refused(service, settled, f"{node}: {selection.message}", handled)
    steps = waiting_steps(service, snapshot.policy, selection.choices)
    if node == ANYWHERE and set(steps) - {ApprovalStep.MIGRATE}:
        return _proposed(service, gate(service, snapshot, selection, ()), settled)
    return replace(taken(service, selection, (), snapshot), moved=Reason.REQUESTED, handled=handled)


def _refused(service: AIService, settled: Outcome, message: str, handled: dict[str, str]) -> Outcome:
    verdict = Condition("Migrating", "False", Reason.MIGRATION_FORBIDDEN, message)
    news = events.forbidden(reference(service), message)
    return replace(settled, refused=verdict, handled=handled, news=(*settled.news, news))


def _breached(service: AIService, broken: list[Judged], settled: Outcome, snapshot: Snapshot, now: datetime) -> Outcome:
    """Leave a node on which the contract is broken, where another one is predicted to keep it."""
    trigger = BREACHES[broken[0].dimension]
    held = hold(service, trigger, now) or _spike(service, broken, snapshot)
    if held is not None:
        return _held(service, settled, held)
    loaded = with_load(
        snapshot.located(service), max((each.rate or 0.0 for each in snapshot.judged or ()), default=0.0)
    )
    selection = elsewhere(loaded, snapshot, left_nodes(service, now))
    if selection.chosen is None or selection.shortfall:
        return _helpless(service, loaded, broken, selection, settled, snapshot)
    return _taken_or_proposed(snapshot.located(service), selection, trigger, settled, snapshot)


def _ahead(service: AIService, settled: Outcome, snapshot: Snapshot, now: datetime) -> Outcome | None:
    """Begin a move ahead of the users where that is worth more than it costs; None where nothing is to be done."""
    users, trigger = snapshot.users, Reason.HANDOVER_EXPECTED
    if (
        users is None
        or users.verdict is not Verdict.MOVE
        or settled.degraded is not None
        or hold(service, trigger, now)
    ):
        return None
    later = seen_from(service, users.next_site, snapshot.table)
    selection = elsewhere(later, snapshot, left_nodes(service, now), only=users.host)
    if selection.chosen is None or selection.shortfall:
        return None
    message = f"the users are expected to go from {users.site} to {users.next_site}: {users.reason}"
    return _taken_or_proposed(later, replace(selection, message=message), trigger, settled, snapshot)


def _taken_or_proposed(
    service: AIService, selection: Selection, trigger: Reason, settled: Outcome, snapshot: Snapshot
) -> Outcome:
    passed = gate(service, snapshot, selection, ())
    if passed.verdict.reason is Reason.AWAITING_APPROVAL:
        return _proposed(service, passed, settled)
    return settled if passed.local else replace(passed, moved=trigger)


def _proposed(service: AIService, passed: Outcome, settled: Outcome) -> Outcome:
    """Return a proposal beside placements that hold; the same one is not written again for other scores."""
    message = passed.verdict.message.replace("Would place on", "Would move to", 1)
    approval = Condition("ApprovalRequired", "True", Reason.AWAITING_APPROVAL, message)
    before, plan = service.status.plan, passed.plan
    if before is not None and plan is not None and before.token == plan.token:
        return replace(settled, plan=before, approval=approval)
    news: tuple[Emit, ...] = ()
    if plan is not None and plan.node is not None and plan.token is not None:
        news = (events.proposed(reference(service), plan.node, plan.token),)
    return replace(settled, plan=plan, approval=approval, news=(*settled.news, *news))


def _helpless(
    service: AIService,
    loaded: AIService,
    broken: list[Judged],
    selection: Selection,
    settled: Outcome,
    snapshot: Snapshot,
) -> Outcome:
    """Tell why a broken contract moves nothing: more replicas would keep it, or nothing would."""
    told = "; ".join(sentence(each) for each in broken)
    for replicas in _more(service):
        more = _with_replicas(loaded, replicas)
        table = snapshot.table.without(snapshot.claims).besides(snapshot.barred)
        if (found := select(more, table, snapshot.policy)).chosen is not None and not found.shortfall:
            message = f"{told}; no node keeps it with {_replicas(service)} replicas, with {replicas} one would"
            return _held(service, settled, Hold(Reason.SCALE_INSTEAD, message), waiting=True)
    message = f"{told}; no other node is predicted to keep it: {selection.message}"
    return _held(service, settled, Hold(selection.reason, message), waiting=True)


def _held(service: AIService, settled: Outcome, held: Hold, *, waiting: bool = False) -> Outcome:
    """Return why nothing moves, in the words of before where it is for the same reason: figures alone write nothing."""
    before = next((each for each in service.status.conditions if each.type == "Degraded"), None)
    degraded = held.degraded
    if before is not None and before.reason == held.reason:
        degraded = replace(degraded, message=before.message)
    again = [each for each in (settled.again_after, held.again_after) if each is not None]
    return replace(settled, degraded=degraded, again_after=min(again, default=None), waits=waiting)


def _spike(service: AIService, broken: list[Judged], snapshot: Snapshot) -> Hold | None:
    """Return that a burst breaks the contract, and not the node: it would be kept at the slower rate."""
    rates = [(each.recent_rate, each.rate) for each in broken if each.recent_rate is not None and each.rate is not None]
    if not rates or service.spec.load is None:
        return None
    (fast, slow), planned = rates[0], float(service.spec.load.requests_per_second)
    if fast <= SPIKE * slow or fast <= planned:
        return None
    table = snapshot.table.settled().without(snapshot.claims)
    here = table.only({placement.node for placement in service.status.placements})
    if select(with_load(service, slow), here, snapshot.policy).chosen is None:
        return None
    message = f"{fast:.0f} requests/s are a burst over {slow:.0f}, at which the present node keeps the contract"
    return Hold(Reason.WAITING_OUT_SPIKE, message, float(service.spec.evaluation.fast_window_seconds))


def _rebalanced(service: AIService, settled: Outcome, snapshot: Snapshot, now: datetime) -> Outcome:
    """Take a node that is better by more than the least gain; the wait for one is the wait for capacity."""
    settled = replace(settled, waits=True)
    if hold(service, Reason.REBALANCE, now) is not None or len(service.status.placements) != 1:
        return settled
    here, service = service.status.placements[0], snapshot.located(service)
    table = snapshot.table.without(snapshot.claims).besides(snapshot.barred | left_nodes(service, now))
    best = select(service, table, snapshot.policy)
    if best.chosen is None or best.shortfall or best.chosen.node == here.node:
        return settled
    both = select(service, table.only({best.chosen.node, here.node}), snapshot.policy)
    stays = next((each.score for each in both.candidates if each.node == here.node), 0)
    least = 1.0 + service.spec.migration.min_improvement_percent / 100
    if best.chosen.score <= stays * least:
        return settled
    return _taken_or_proposed(service, best, Reason.REBALANCE, settled, snapshot)


def elsewhere(service: AIService, snapshot: Snapshot, left: Collection[str] = (), only: str | None = None) -> Selection:
    """Return places for all of ``service`` on other nodes than its own, as if it had left those."""
    here = {placement.node for placement in service.status.placements}
    table = snapshot.table.without(snapshot.claims).besides(snapshot.barred | here | set(left))
    return select(service, table if only is None else table.only({only}), snapshot.policy)


def with_load(service: AIService, rate: float) -> AIService:
    """Return ``service`` with the load that is measured, where that is more than it was planned for."""
    load = service.spec.load
    if load is None or rate <= float(load.requests_per_second):
        return service
    value = Decimal(str(round(rate, 3)))
    measured = load.model_copy(update={"requests_per_second": Quantity(f"{value:f}", value)})
    return service.model_copy(update={"spec": service.spec.model_copy(update={"load": measured})})


def _more(service: AIService) -> list[int]:
    replicas = _replicas(service)
    return sorted({replicas + 1, 2 * replicas}) if replicas else []


def _replicas(service: AIService) -> int:
    return service.spec.workload.replicas if service.spec.workload else 0


def _with_replicas(service: AIService, replicas: int) -> AIService:
    """Return ``service`` with more replicas under the same load."""
    workload = service.spec.workload and service.spec.workload.model_copy(update={"replicas": replicas})
    return service.model_copy(update={"spec": service.spec.model_copy(update={"workload": workload})})
