"""Placements stay while they can: what is lost, cordoned, too slow or too small is replaced, one part at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.contract.alarms import Finding, Phase
from aif.contract.limits import limits_of
from aif.contract.readings import Gap
from aif.contract.watch import Judged
from aif.domain.cluster import Node, Taint
from aif.reconcile.holding import held
from aif.reconcile.placing import place
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable
from tests.builders import CPU_32, NOON, a_compute_node, a_node, a_pod, an_aiservice
from tests.reconcile.scenes import a_copys_pod, a_snapshot, a_view, changed, copy_of, placed
from tests.reconcile.spread import HOME, NEXT, READY, a_cpu_service, a_spread_service, as_manifest, nodes_of, upheld


def lost(name: str, seconds: float = 60.0, ready: str = "Unknown") -> Node:
    """Return a Node that stopped being ready ``seconds`` ago."""
    return a_node(name, ready=ready, ready_since=NOON - timedelta(seconds=seconds))


PLACED = placed(an_aiservice())


def test_a_placement_on_a_ready_node_stays_with_all_that_it_holds() -> None:
    outcome = upheld(PLACED)
    assert nodes_of(outcome) == [("gnb-7", 1)]
    assert outcome.verdict.status == "True"
    assert outcome.moved is None
    assert outcome.selection is None
    assert [claim.node for claim in outcome.claims] == ["gnb-7"]


@pytest.mark.parametrize(
    ("seconds", "moves"),
    [pytest.param(1.0, False, id="within the grace"), pytest.param(6.0, True, id="after it")],
)
def test_a_lost_node_is_left_after_a_grace(seconds: float, *, moves: bool) -> None:
    outcome = upheld(PLACED, nodes=[lost("worker-gnb-7", seconds), READY[1]])
    assert nodes_of(outcome) == [("gnb-8" if moves else "gnb-7", 1)]
    assert outcome.moved is (Reason.NODE_UNREACHABLE if moves else None)
    assert outcome.again_after == (None if moves else pytest.approx(5.0))


def test_what_is_lost_and_finds_no_place_waits_and_says_why() -> None:
    outcome = upheld(PLACED, HOME, nodes=[lost("worker-gnb-7")])
    assert nodes_of(outcome) == [("gnb-7", 1)]
    assert (outcome.verdict.status, outcome.verdict.reason) == ("False", Reason.NODE_UNREACHABLE)
    assert outcome.shortfall == 1
    assert "Node worker-gnb-7 is unreachable" in outcome.verdict.message


def test_a_partition_moves_nobody_and_is_looked_at_again() -> None:
    rows = [a_compute_node(f"gnb-{number}") for number in range(7, 11)]
    gone = [lost(f"worker-gnb-{number}") for number in range(7, 10)]
    outcome = upheld(PLACED, *rows, nodes=[*gone, a_node("worker-gnb-10")])
    assert nodes_of(outcome) == [("gnb-7", 1)]
    assert outcome.again_after is not None


def test_the_loss_of_half_a_tier_is_no_partition() -> None:
    rows = [a_compute_node(f"gnb-{number}") for number in range(7, 11)]
    gone = [lost(f"worker-gnb-{number}") for number in range(7, 9)]
    outcome = upheld(PLACED, *rows, nodes=[*gone, a_node("worker-gnb-9"), a_node("worker-gnb-10")])
    assert nodes_of(outcome) == [("gnb-9", 1)] or nodes_of(outcome) == [("gnb-10", 1)]


def test_a_compute_node_that_is_gone_is_replaced_at_once() -> None:
    assert nodes_of(upheld(PLACED, NEXT)) == [("gnb-8", 1)]


def test_a_cordoned_node_is_left_where_another_one_fits() -> None:
    outcome = upheld(PLACED, nodes=[a_node("worker-gnb-7", unschedulable=True), READY[1]])
    assert nodes_of(outcome) == [("gnb-8", 1)]


def test_a_cordoned_node_without_another_one_serves_on_and_is_told_as_degraded() -> None:
    outcome = upheld(PLACED, HOME, nodes=[a_node("worker-gnb-7", unschedulable=True)])
    assert nodes_of(outcome) == [("gnb-7", 1)]
    assert outcome.verdict.status == "True"
    assert outcome.degraded is not None
    assert outcome.degraded.reason is Reason.NODE_CORDONED


def test_a_node_that_became_too_slow_is_left() -> None:
    slow = a_compute_node("gnb-7", status={"observed": {"efficiencyPercent": 5}})
    assert nodes_of(upheld(PLACED, slow, NEXT)) == [("gnb-8", 1)]


def test_a_node_that_became_too_slow_is_not_left_while_the_contract_itself_is_measured() -> None:
    slow = a_compute_node("gnb-7", status={"observed": {"efficiencyPercent": 5}})
    (limit,) = limits_of(PLACED)
    met = Judged(limit, Finding.MET, Gap.NONE, 0.01, 0.01, 0.0, Phase.QUIET, 0.0, 0.0, estimated=False)
    assert nodes_of(upheld(PLACED, slow, NEXT, judged=(met,))) == [("gnb-7", 1)]


def test_a_node_whose_telemetry_is_lost_is_not_left() -> None:
    stale = {
        "type": "TelemetryFresh",
        "status": "False",
        "reason": "MetricsStale",
        "lastTransitionTime": "2030-01-01T12:00:00Z",
    }
    silent = a_compute_node("gnb-7", status={"conditions": [stale]})
    assert nodes_of(upheld(PLACED, silent, NEXT)) == [("gnb-7", 1)]


def test_nobody_moves_while_too_many_others_do() -> None:
    outcome = upheld(PLACED, nodes=[lost("worker-gnb-7"), READY[1]], may_move=False)
    assert nodes_of(outcome) == [("gnb-7", 1)]
    assert outcome.again_after is not None


def test_of_two_services_on_a_shrunken_node_only_one_leaves() -> None:
    first, second = placed_cpu("first"), placed_cpu("second")
    rows = (a_compute_node("gnb-7", devices=[CPU_32]), a_compute_node("gnb-8", devices=[CPU_32]))
    shrunken = a_node("worker-gnb-7", allocatable={"cpu": 12.0, "memory": 1e12, "pods": 110.0})
    nodes = {node.name: node for node in (shrunken, READY[1])}
    pods = [a_copys_pod(copy_of(service), node="worker-gnb-7", requests={"cpu": 8.0}) for service in (first, second)]
    ledger = Ledger()
    for service in (first, second):
        for claim in held(service, NodeTable.build(rows, nodes, pods, ledger, NOON), a_snapshot().policy):
            ledger.restore(claim)
    where = []
    for service in (first, second):
        table = NodeTable.build(rows, nodes, pods, ledger, NOON)
        claims = ledger.claims_of(service.metadata.uid)
        outcome = place(service, Snapshot(table=table, nodes=nodes, claims=claims), NOON)
        assert ledger.settle(service.metadata.uid, outcome.claims, nodes, pods) is None
        where += nodes_of(outcome)
    assert where == [("gnb-8", 1), ("gnb-7", 1)]


def placed_cpu(name: str) -> AIService:
    service = an_aiservice(
        name,
        load={"requestsPerSecond": 1},
        workload={"image": "plates:1", "replicas": 1, "resources": {"cpu": 8, "memory": "1Gi"}},
        variants=[{"name": "cpu"}],
        qos={},
    )
    return placed(service)


@pytest.mark.parametrize(
    ("seconds", "expected"), [pytest.param(5.0, "gnb-7", id="soon"), pytest.param(11.0, "gnb-8", id="for long")]
)
def test_a_pod_that_the_scheduler_finds_no_place_for_goes_elsewhere(seconds: float, expected: str) -> None:
    stuck = a_copys_pod(copy_of(PLACED), node="", ready=False, unschedulable_since=NOON - timedelta(seconds=seconds))
    outcome = upheld(PLACED, view=a_view(copy_of(PLACED), pods=[stuck]))
    assert nodes_of(outcome) == [(expected, 1)]
    assert outcome.barred == (frozenset({"gnb-7"}) if expected == "gnb-8" else frozenset())


def test_more_replicas_fill_the_same_node_first() -> None:
    service = a_spread_service(1)
    more = changed(service, **as_manifest(a_cpu_service(3)))
    assert nodes_of(upheld(more)) == [("gnb-7", 3)]


def test_replicas_that_the_node_cannot_hold_overflow_to_the_next() -> None:
    service = a_spread_service(1)
    more = changed(service, **as_manifest(a_cpu_service(6)))
    outcome = upheld(more)
    assert sum(count for _, count in nodes_of(outcome)) == 6
    assert {node for node, _ in nodes_of(outcome)} == {"gnb-7", "gnb-8"}


def test_replicas_without_any_place_are_a_shortfall_and_no_failure_of_the_rest() -> None:
    service = a_spread_service(1)
    more = changed(service, **as_manifest(a_cpu_service(9)))
    outcome = upheld(more)
    assert outcome.verdict.status == "True"
    assert outcome.shortfall == 1
    assert outcome.degraded is not None
    assert outcome.degraded.message.startswith("1 of 9 replicas find no place")


def test_fewer_replicas_leave_the_node_of_the_lowest_score() -> None:
    service = a_spread_service(2, 2)
    fewer = changed(service, **as_manifest(a_cpu_service(3)))
    assert nodes_of(upheld(fewer)) == [("gnb-7", 2), ("gnb-8", 1)]


def test_of_several_copies_only_the_lost_one_is_replaced() -> None:
    rows = (HOME, NEXT, a_compute_node("gnb-9"))
    nodes = [READY[0], lost("worker-gnb-8"), a_node("worker-gnb-9")]
    outcome = upheld(a_spread_service(3, 2), *rows, nodes=nodes)
    assert nodes_of(outcome) == [("gnb-7", 3), ("gnb-9", 2)]


def test_a_foreign_pod_that_takes_the_room_is_no_reason_to_leave_a_node_that_still_holds_the_service() -> None:
    pods = [a_pod("theirs", requests={"cpu": 20.0})]
    assert nodes_of(upheld(PLACED, pods=pods)) == [("gnb-7", 1)]


def returned(name: str, seconds: float) -> Node:
    """Return a Node that has been ready again for ``seconds``."""
    return a_node(name, ready_since=NOON - timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seconds", "moves"),
    [pytest.param(1.0, False, id="others may follow"), pytest.param(61.0, True, id="no other followed")],
)
def test_a_partition_that_ends_node_by_node_moves_nobody(seconds: float, *, moves: bool) -> None:
    rows = [a_compute_node(f"gnb-{number}") for number in range(7, 11)]
    gone = [lost(f"worker-gnb-{number}") for number in (7, 8)]
    back = [returned("worker-gnb-9", seconds), returned("worker-gnb-10", 600)]
    assert (nodes_of(upheld(PLACED, *rows, nodes=[*gone, *back])) != [("gnb-7", 1)]) is moves


def test_the_mark_of_a_loss_on_a_node_that_is_ready_again_is_no_reason_to_leave() -> None:
    mark = Taint("node.kubernetes.io/unreachable", "", "NoExecute")
    back = replace(returned("worker-gnb-7", 1.0), taints=(mark,))
    assert nodes_of(upheld(PLACED, nodes=[back, READY[1]])) == [("gnb-7", 1)]


def test_the_nodes_that_were_deleted_are_no_partition() -> None:
    rows = [a_compute_node(f"gnb-{number}") for number in range(7, 11)]
    outcome = upheld(PLACED, *rows, nodes=[a_node(f"worker-gnb-{number}") for number in range(8, 11)])
    assert nodes_of(outcome) != [("gnb-7", 1)]


def test_a_pod_that_waits_for_a_lost_node_is_no_reason_to_leave_it_in_a_partition() -> None:
    rows = [a_compute_node(f"gnb-{number}") for number in range(7, 11)]
    gone = [lost(f"worker-gnb-{number}") for number in range(7, 10)]
    stuck = a_copys_pod(copy_of(PLACED), node="", ready=False, unschedulable_since=NOON - timedelta(seconds=50))
    view = a_view(copy_of(PLACED), pods=[stuck])
    assert nodes_of(upheld(PLACED, *rows, nodes=[*gone, a_node("worker-gnb-10")], view=view)) == [("gnb-7", 1)]


@pytest.mark.parametrize(("seconds", "expected"), [pytest.param(5.0, "gnb-7"), pytest.param(11.0, "gnb-8")])
def test_what_the_scheduler_said_while_the_node_was_lost_does_not_count(seconds: float, expected: str) -> None:
    stuck = a_copys_pod(copy_of(PLACED), node="", ready=False, unschedulable_since=NOON - timedelta(seconds=300))
    nodes = [returned("worker-gnb-7", seconds), READY[1]]
    assert nodes_of(upheld(PLACED, nodes=nodes, view=a_view(copy_of(PLACED), pods=[stuck]))) == [(expected, 1)]
