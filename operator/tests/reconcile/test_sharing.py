"""Shares of a site: shown in the status at each look, applied to the next copy, never to a running one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.aiservice_plan import Plan, Share
from aif.api.migration_status import ReplicaShare
from aif.domain.policy import Policy
from aif.reconcile.copies import deployment
from aif.reconcile.outcome import Outcome
from aif.reconcile.placing import place
from aif.reconcile.sharing import for_replica, reshared
from aif.scheduling.ledger import Claim, Ledger
from aif.scheduling.node_table import NodeTable
from aif.scheduling.sharing import SiteShare
from tests.builders import CPU_VARIANT, NOON, a_compute_node, a_node, an_aiservice
from tests.reconcile.scenes import HOME, a_snapshot
from tests.scheduling.test_sharing import a_resident

NEIGHBOUR = a_resident("neighbour")
QUICK: dict[str, Any] = {
    "model": {"name": "m", "flopsPerRequest": "1G", "cuts": [{"name": "Input", "ueFlops": 0, "dataBits": "1M"}]},
    "load": {"requestsPerSecond": 10},
    "variants": [CPU_VARIANT],
}


def a_cpu_service(**spec: Any) -> AIService:
    """Return a service of 10 requests of 1 GFLOP and 1 Mbit per second on eight cores."""
    return an_aiservice(**QUICK | spec)


def decided(service: AIService, *claims: Claim) -> Outcome:
    """Return what is decided about ``service`` on a node on which others hold ``claims``."""
    ledger = Ledger()
    for claim in claims:
        ledger.restore(claim)
    return place(service, a_snapshot(ledger=ledger), NOON)


def pods(service: AIService, outcome: Outcome) -> dict[str, Any]:
    """Return the template of the pods of the one copy."""
    (placement,) = outcome.placements
    template: dict[str, Any] = deployment(service, placement, service.variants[0], HOME, Policy())["spec"]["template"]
    return template


def test_a_service_beside_another_one_is_bound_to_its_share() -> None:
    service = a_cpu_service()
    outcome = decided(service, NEIGHBOUR)
    assert outcome.plan is not None
    assert outcome.plan.share is not None
    assert outcome.plan.share.services == 2
    share = outcome.placements[0].share
    assert share is not None
    made = pods(service, outcome)
    assert made["metadata"]["annotations"] == {"kubernetes.io/ingress-bandwidth": share.ingress_bits_per_second}
    resources = made["spec"]["containers"][0]["resources"]
    assert (resources["requests"]["cpu"], resources["limits"]["cpu"]) == ("8", share.cpu)


def test_a_service_that_has_the_node_to_itself_is_bound_by_nothing() -> None:
    service = a_cpu_service()
    outcome = decided(service)
    assert (outcome.placements[0].share, outcome.plan and outcome.plan.share) == (None, None)
    made = pods(service, outcome)
    assert "annotations" not in made["metadata"]
    assert "cpu" not in made["spec"]["containers"][0]["resources"]["limits"]


def test_a_share_makes_no_other_copy() -> None:
    service = a_cpu_service()
    alone, beside = decided(service), decided(service, NEIGHBOUR)
    assert alone.placements[0].copy_id == beside.placements[0].copy_id
    assert alone.placements[0].share != beside.placements[0].share


def _running(service: AIService, outcome: Outcome) -> AIService:
    status = service.status.model_copy(update={"placements": list(outcome.placements), "plan": outcome.plan})
    return service.model_copy(update={"status": status})


def test_a_neighbour_that_comes_changes_the_plan_and_no_pod() -> None:
    service = a_cpu_service()
    first = decided(service)
    running = _running(service, first)
    ledger = Ledger()
    for claim in (*first.claims, NEIGHBOUR):
        ledger.restore(claim)
    later = place(running, a_snapshot(ledger=ledger, claims=first.claims), NOON)
    assert later.plan is not None
    assert later.plan.share is not None
    assert (later.placements, later.migration, later.moved) == (first.placements, None, None)
    assert pods(running, later) == pods(service, first)


NODE = a_compute_node(HOME)
SHARED = Share(services=2, cpu="16", up_bits_per_second="975M", microseconds=1)


def a_plan(**fields: Any) -> Plan:
    return Plan(offload="Network", node=HOME, **fields)


def a_table(*claims: Claim) -> NodeTable:
    ledger = Ledger()
    for claim in claims:
        ledger.restore(claim)
    return NodeTable.build([NODE], {f"worker-{HOME}": a_node()}, (), ledger, NOON)


@pytest.mark.parametrize(
    ("before", "claims", "written"),
    [
        pytest.param(SHARED, [NEIGHBOUR], False, id="as it is"),
        pytest.param(SHARED.model_copy(update={"cpu": "15"}), [NEIGHBOUR], False, id="moved by a fifteenth"),
        pytest.param(SHARED.model_copy(update={"cpu": "12"}), [NEIGHBOUR], True, id="moved by a third"),
        pytest.param(SHARED, [], True, id="alone by now"),
        pytest.param(None, [NEIGHBOUR], True, id="no longer alone"),
        pytest.param(None, [], False, id="alone as before"),
    ],
)
def test_a_share_is_written_anew_where_it_moved(before: Share | None, claims: list[Claim], *, written: bool) -> None:
    mine, plan = a_resident("mine"), a_plan(share=before)
    after = reshared(plan, (mine,), a_table(mine, *claims))
    assert (after != plan) is written


def test_a_proposal_keeps_its_words() -> None:
    mine, plan = a_resident("mine"), a_plan(token="1234")
    assert reshared(plan, (mine,), a_table(mine, NEIGHBOUR)) is plan


@pytest.mark.parametrize(
    ("found", "replicas", "expected"),
    [
        pytest.param(SiteShare(2, 30e6, 12.0, 0.1), 3, ("4000m", "10000000"), id="a part for each replica"),
        pytest.param(SiteShare(2, 30e6, 3.0, 0.1), 2, ("2000m", "15000000"), id="no fewer cores than it asks for"),
        pytest.param(SiteShare(2, 900.0, 12.0, 0.1), 1, ("12000m", None), id="slower than Kubernetes takes"),
    ],
)
def test_a_replica_may_take_its_part(found: SiteShare, replicas: int, expected: tuple[str, str | None]) -> None:
    claim = replace(NEIGHBOUR, resources={"cpu": 4.0})
    assert for_replica(found, claim, replicas) == ReplicaShare(cpu=expected[0], ingress_bits_per_second=expected[1])


def test_no_replica_has_no_share() -> None:
    assert for_replica(SiteShare(2, 30e6, 12.0, 0.1), NEIGHBOUR, 0) is None
