"""What is written, what is never written, and when nothing is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aif.domain.cluster import ObjectReference
from aif.domain.registry import REGISTERED_BY
from aif.errors import Conflict, NotFound, Unavailable
from aif.gateways.kubernetes.budget import Budget
from aif.gateways.kubernetes.guard import OutOfBounds, check_apply, check_delete, check_event, check_reach, check_status
from aif.gateways.kubernetes.writer import NotLeading
from tests.gateways.kubernetes.conftest import AISERVICES, DEPLOYMENTS, OWNER, Gateways
from tests.virtual_time import now, run

COMPUTE_NODE = ObjectReference("net4ai.io/v1alpha1", "ComputeNode", "", "gnb-7", "uid-7")


def an_intent(kind: str = "Deployment", api_version: str = "apps/v1", **metadata: Any) -> dict[str, Any]:
    """Return a body to apply."""
    named = {"name": "plates", "namespace": "shop", **metadata}
    return {"apiVersion": api_version, "kind": kind, "metadata": named, "spec": {"replicas": 1}}


def a_compute_node(**labels: str) -> dict[str, Any]:
    """Return a ComputeNode to apply."""
    return an_intent("ComputeNode", "net4ai.io/v1alpha1", name="gnb-7", namespace="", labels=labels)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(an_intent("AIService", "net4ai.io/v1alpha1"), id="the spec of an AIService"),
        pytest.param(a_compute_node(), id="a user's ComputeNode"),
        pytest.param(an_intent("Node", "v1"), id="a Node"),
        pytest.param(an_intent("Pod", "v1"), id="a Pod"),
        pytest.param(an_intent("Secret", "v1"), id="a Secret"),
        pytest.param(an_intent("ClusterRole", "rbac.authorization.k8s.io/v1"), id="a ClusterRole"),
        pytest.param(an_intent("Lease", "coordination.k8s.io/v1"), id="a Lease"),
        pytest.param(an_intent("Deployment", "extensions/v1beta1"), id="a kind of another group"),
        pytest.param(an_intent(namespace=""), id="a Deployment without a namespace"),
        pytest.param(an_intent(name=""), id="a Deployment without a name"),
        pytest.param({**an_intent(), "status": {}}, id="a status beside the spec"),
        pytest.param({}, id="nothing"),
    ],
)
async def test_a_spec_that_is_not_the_operators_is_never_sent(gateways: Gateways, body: dict[str, Any]) -> None:
    with pytest.raises(OutOfBounds):
        await gateways.writer.apply(body)
    assert gateways.fake.requests == []


@pytest.mark.parametrize(
    "body",
    [
        an_intent(),
        an_intent("Service", "v1"),
        an_intent("HTTPRoute", "gateway.networking.k8s.io/v1"),
        an_intent("PodDisruptionBudget", "policy/v1"),
        a_compute_node(**{REGISTERED_BY: "aif-operator"}),
    ],
)
def test_what_the_operator_makes_may_be_applied(body: dict[str, Any]) -> None:
    assert check_apply(body).kind == body["kind"]


def test_only_the_status_of_the_operators_own_kinds_is_written_and_only_by_uid() -> None:
    assert check_status(OWNER).kind == "AIService"
    assert check_status(COMPUTE_NODE).kind == "ComputeNode"
    for target in (replace(OWNER, uid=""), replace(OWNER, kind="Deployment", api_version="apps/v1")):
        with pytest.raises(OutOfBounds):
            check_status(target)


@pytest.mark.parametrize(
    ("target", "resource_version"),
    [
        pytest.param(OWNER, "7", id="an AIService"),
        pytest.param(ObjectReference("v1", "Node", "", "worker-1", "uid"), "7", id="a Node"),
        pytest.param(ObjectReference("apps/v1", "Deployment", "shop", "plates", ""), "7", id="without uid"),
        pytest.param(ObjectReference("apps/v1", "Deployment", "shop", "plates", "uid"), "", id="without version"),
    ],
)
def test_nothing_else_is_deleted_and_nothing_blindly(target: ObjectReference, resource_version: str) -> None:
    with pytest.raises(OutOfBounds):
        check_delete(target, resource_version)


def test_no_write_reaches_beyond_the_namespace_of_the_object_it_was_decided_for() -> None:
    check_reach("shop", OWNER, "Deployment plates")
    check_reach("", COMPUTE_NODE, "ComputeNode gnb-7")
    for namespace, regarding in (("other", OWNER), ("", OWNER), ("shop", COMPUTE_NODE)):
        with pytest.raises(OutOfBounds):
            check_reach(namespace, regarding, "Deployment plates")


def test_an_event_lies_where_its_object_lies_and_in_default_for_one_without_a_namespace() -> None:
    check_event("shop", OWNER)
    check_event("default", COMPUTE_NODE)
    for namespace, regarding in (("default", OWNER), ("other", OWNER), ("shop", COMPUTE_NODE)):
        with pytest.raises(OutOfBounds):
            check_event(namespace, regarding)


async def test_a_replica_that_does_not_lead_sends_nothing(gateways: Gateways) -> None:
    gateways.leading = False
    with pytest.raises(NotLeading):
        await gateways.writer.apply(an_intent())
    with pytest.raises(NotLeading):
        await gateways.writer.write_status(OWNER, {})
    with pytest.raises(NotLeading):
        await gateways.writer.delete(ObjectReference("apps/v1", "Deployment", "shop", "plates", "uid"), "7")
    assert gateways.fake.requests == []


@pytest.mark.parametrize("writes_before", [pytest.param(0, id="a new connection"), pytest.param(1, id="a kept one")])
async def test_leadership_that_is_lost_while_the_request_is_on_its_way_out_stops_the_write(
    gateways: Gateways, writes_before: int
) -> None:
    for _ in range(writes_before):
        await gateways.writer.apply(an_intent())
    sent = len(gateways.fake.requests)
    answers = iter([True, False, False])
    gateways.writer._is_leader = lambda: next(answers)  # noqa: SLF001 - a process that was frozen between the two
    with pytest.raises(Unavailable, match="no answer"):
        await gateways.writer.apply(an_intent())
    assert len(gateways.fake.requests) == sent
    assert next(answers) is False, "asked twice, before the connection was taken and with the first byte"


async def test_leadership_that_is_lost_while_waiting_for_the_budget_stops_the_write(gateways: Gateways) -> None:
    class Slow(Budget):
        async def take(self) -> float:
            gateways.leading = False
            return 1.0

    gateways.writer._budget = Slow(1, 1)  # noqa: SLF001 - the moment in between has no other door
    with pytest.raises(NotLeading):
        await gateways.writer.apply(an_intent())
    assert gateways.fake.requests == []
    assert gateways.count("aif_write_wait_seconds_total") == 1.0


async def test_the_full_intent_is_applied_so_an_omitted_field_goes(gateways: Gateways) -> None:
    await gateways.writer.apply({**an_intent(), "spec": {"replicas": 1, "paused": True}})
    await gateways.writer.apply(an_intent())
    assert gateways.fake.read(f"{DEPLOYMENTS}/plates")["spec"] == {"replicas": 1}


async def test_the_same_intent_twice_changes_nothing(gateways: Gateways) -> None:
    first = await gateways.writer.apply(an_intent())
    second = await gateways.writer.apply(an_intent())
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


async def test_the_whole_status_of_the_object_with_that_uid_is_replaced(gateways: Gateways) -> None:
    stored = gateways.fake.put(f"{AISERVICES}/plates", {"spec": {"serviceType": "Inference"}})
    target = replace(OWNER, uid=stored["metadata"]["uid"])
    await gateways.writer.write_status(target, {"summary": {"node": "gnb-6"}, "url": "http://plates"})
    await gateways.writer.write_status(target, {"summary": {"node": "gnb-7"}})
    after = gateways.fake.read(f"{AISERVICES}/plates")
    assert after["status"] == {"summary": {"node": "gnb-7"}}
    assert after["spec"] == stored["spec"]
    assert gateways.count("aif_status_writes_total", kind="AIService") == 2


async def test_a_status_for_an_older_object_of_that_name_is_refused(gateways: Gateways) -> None:
    gateways.fake.put(f"{AISERVICES}/plates", {"spec": {}})
    with pytest.raises(Conflict):
        await gateways.writer.write_status(replace(OWNER, uid="an-older-one"), {"url": "http://plates"})
    assert "status" not in gateways.fake.read(f"{AISERVICES}/plates")


async def test_an_intent_bound_to_an_older_object_of_that_name_is_refused(gateways: Gateways) -> None:
    await gateways.writer.apply(an_intent())
    with pytest.raises(Conflict):
        await gateways.writer.apply(an_intent(uid="an-older-one"))
    with pytest.raises(Conflict):
        await gateways.writer.apply(an_intent(name="never-there", uid="an-older-one"))


async def test_a_status_for_an_object_that_is_gone_is_refused(gateways: Gateways) -> None:
    with pytest.raises(NotFound):
        await gateways.writer.write_status(OWNER, {})


async def test_a_write_waits_four_seconds_at_most(gateways: Gateways, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aif.gateways.kubernetes.writer.WRITE_SECONDS", 0.05)
    gateways.fake.fail(method="PATCH", seconds=30, fails=False)
    with pytest.raises(Unavailable):
        await gateways.writer.apply(an_intent())


def test_a_burst_passes_at_once_and_the_rest_at_the_rate() -> None:
    async def scenario() -> list[float]:
        budget = Budget(10, 3)
        times = []
        for _ in range(6):
            await budget.take()
            times.append(round(now(), 6))
        return times

    assert run(scenario()) == [0.0, 0.0, 0.0, 0.1, 0.2, 0.3]


def test_unused_budget_is_kept_up_to_the_burst() -> None:
    async def scenario() -> list[float]:
        budget = Budget(10, 2, clock=lambda: clock[0])
        waits = []
        for moment in (0.0, 0.0, 100.0, 100.0, 100.0):
            clock[0] = moment
            waits.append(await budget.take())
        return waits

    clock = [0.0]
    assert run(scenario()) == [0.0, 0.0, 0.0, 0.0, 0.1]
