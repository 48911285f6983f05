"""A row of actions leaves the same objects however often it breaks off, and touches nobody else's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aif.domain.actions import Action, Apply, Delete, Emit, WriteStatus
from aif.domain.cluster import ObjectReference
from aif.domain.registry import REGISTERED_BY
from aif.errors import ApiError, Conflict, NameTaken, Unavailable
from aif.gateways.expectations import Written
from aif.gateways.kubernetes.guard import OutOfBounds
from tests.gateways.kubernetes.conftest import AISERVICES, DEPLOYMENTS, OWNER, Gateways

PLACED = Emit(OWNER, "Normal", "Placed", "Place", "Placed on gnb-7")


def a_deployment(owner: str = OWNER.uid, replicas: int = 1, namespace: str = "shop") -> dict[str, Any]:
    """Return the intent for the Deployment of `OWNER`."""
    owners = [{"kind": "AIService", "name": "plates", "uid": owner, "controller": True}] if owner else []
    metadata = {"name": "plates-a", "namespace": namespace, "ownerReferences": owners}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas}}


def the_deployment(gateways: Gateways) -> dict[str, Any]:
    """Return the Deployment as it is."""
    return gateways.fake.read(f"{DEPLOYMENTS}/plates-a")


async def carry_out(gateways: Gateways, *actions: Action, regarding: ObjectReference = OWNER) -> list[Written]:
    """Carry out ``actions`` and return what was written."""
    return [written async for written in gateways.applier.carry_out(actions, regarding)]


async def until_done(gateways: Gateways, *actions: Action) -> None:
    """Carry out ``actions`` as a worker does: from the start again after each failure."""
    for _ in range(10):
        try:
            await carry_out(gateways, *actions)
        except ApiError:
            continue
        return
    pytest.fail("the actions were never carried out")


@pytest.fixture(autouse=True)
def _owned(gateways: Gateways) -> None:
    """Have `OWNER` exist."""
    body = {"apiVersion": OWNER.api_version, "kind": OWNER.kind, "spec": {"serviceType": "Inference"}}
    gateways.fake.put(f"{AISERVICES}/plates", body, uid=OWNER.uid)


def children(gateways: Gateways) -> set[str]:
    """Return the names of all objects but `OWNER`."""
    return {name for path, _, name in gateways.fake.store.objects if not path.endswith("aiservices")}


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    "what",
    [
        pytest.param({"status": 409}, id="409"),
        pytest.param({"status": 429, "headers": {"Retry-After": "1"}}, id="429"),
        pytest.param({"status": 500}, id="500 before the write"),
        pytest.param({"status": 500, "carried_out": True}, id="500 after the write"),
        pytest.param({"status": 504, "carried_out": True}, id="504 after the write"),
        pytest.param({"status": 0}, id="connection lost before the write"),
        pytest.param({"status": 0, "carried_out": True}, id="connection lost after the write"),
    ],
)
async def test_a_fault_at_any_write_leaves_one_object_per_role(
    gateways: Gateways, number: int, what: dict[str, Any]
) -> None:
    service_body = {**a_deployment(), "apiVersion": "v1", "kind": "Service", "spec": {"selector": {"a": "b"}}}
    actions = (Apply(a_deployment()), Apply(service_body), WriteStatus(OWNER, {"url": "http://plates"}))
    path = ("deployments", "services/", "status")[number]
    fault = gateways.fake.fail(method="PATCH", path=path, **what)
    await until_done(gateways, *actions)
    assert fault.fired == 1
    assert len(gateways.fake.store.objects) == 3
    assert the_deployment(gateways)["spec"] == {"replicas": 1}
    assert gateways.fake.read(f"{AISERVICES}/plates")["status"] == {"url": "http://plates"}


async def test_each_write_is_told_with_uid_and_version_also_where_a_later_one_fails(gateways: Gateways) -> None:
    gateways.fake.fail(method="PATCH", path="status", status=503)
    row = gateways.applier.carry_out((Apply(a_deployment()), WriteStatus(OWNER, {"url": "x"})), OWNER)
    written = await anext(row)
    with pytest.raises(Unavailable):
        await anext(row)
    live = the_deployment(gateways)["metadata"]
    expected = ObjectReference("apps/v1", "Deployment", "shop", "plates-a", live["uid"])
    assert written == Written(expected, live["resourceVersion"])


async def test_the_first_failure_ends_the_row(gateways: Gateways) -> None:
    gateways.fake.fail(method="PATCH", path="deployments", status=503)
    with pytest.raises(Unavailable):
        await carry_out(gateways, Apply(a_deployment()), PLACED)
    assert gateways.fake.sent("POST") == []


async def test_an_ordinary_apply_is_one_write(gateways: Gateways) -> None:
    await carry_out(gateways, Apply(a_deployment()))
    assert [sent.params["force"] for sent in gateways.fake.sent("PATCH")] == ["false"]


async def test_a_foreign_change_to_a_child_is_taken_back(gateways: Gateways) -> None:
    await carry_out(gateways, Apply(a_deployment()))
    gateways.fake.put(f"{DEPLOYMENTS}/plates-a", {**the_deployment(gateways), "spec": {"replicas": 7}})
    await carry_out(gateways, Apply(a_deployment()))
    assert the_deployment(gateways)["spec"] == {"replicas": 1}


async def test_a_child_whose_owner_was_stripped_is_ours_still(gateways: Gateways) -> None:
    await carry_out(gateways, Apply(a_deployment()))
    stripped = the_deployment(gateways)
    stripped["metadata"]["ownerReferences"] = []
    gateways.fake.put(f"{DEPLOYMENTS}/plates-a", {**stripped, "spec": {"replicas": 7}})
    await carry_out(gateways, Apply(a_deployment()))
    live = the_deployment(gateways)
    assert live["spec"] == {"replicas": 1}
    assert live["metadata"]["ownerReferences"] == a_deployment()["metadata"]["ownerReferences"]


@pytest.mark.parametrize(
    "owners",
    [
        pytest.param([], id="nobody's"),
        pytest.param([{"kind": "AIService", "name": "other", "uid": "other", "controller": True}], id="another's"),
        pytest.param(
            [{"kind": "StatefulSet", "name": "plates", "uid": "other", "controller": True}], id="another kind's"
        ),
    ],
)
@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"replicas": 7}, id="with a field that conflicts"),
        pytest.param({"paused": True}, id="without a field that conflicts"),
    ],
)
async def test_an_object_of_somebody_else_is_left_alone(
    gateways: Gateways, owners: list[dict[str, Any]], spec: dict[str, Any]
) -> None:
    body = a_deployment()
    foreign = {**body, "metadata": {**body["metadata"], "ownerReferences": owners}, "spec": spec}
    before = gateways.fake.put(f"{DEPLOYMENTS}/plates-a", foreign)
    with pytest.raises(NameTaken, match="plates-a"):
        await carry_out(gateways, Apply(a_deployment()))
    assert the_deployment(gateways) == before


async def test_what_an_earlier_owner_of_the_same_name_left_behind_is_waited_for(gateways: Gateways) -> None:
    before = gateways.fake.put(f"{DEPLOYMENTS}/plates-a", a_deployment("uid-of-an-earlier-one"))
    with pytest.raises(Conflict, match="earlier"):
        await carry_out(gateways, Apply(a_deployment()))
    assert the_deployment(gateways) == before


async def test_an_object_that_was_seen_is_not_looked_at_again(gateways: Gateways) -> None:
    await carry_out(gateways, Apply(a_deployment()))
    looks = len(gateways.fake.sent("GET"))
    await carry_out(gateways, Apply(a_deployment(replicas=2), known=True))
    assert len(gateways.fake.sent("GET")) == looks


async def test_a_users_compute_node_is_left_alone(gateways: Gateways) -> None:
    path = "/apis/net4ai.io/v1alpha1/computenodes/gnb-7"
    body = {
        "apiVersion": "net4ai.io/v1alpha1",
        "kind": "ComputeNode",
        "metadata": {"name": "gnb-7", "labels": {REGISTERED_BY: "aif-operator"}},
        "spec": {"tier": "RAN"},
    }
    node = ObjectReference("v1", "Node", "", "gnb-7", "uid-of-node")
    gateways.fake.put("/api/v1/nodes/gnb-7", {"apiVersion": "v1", "kind": "Node"}, uid=node.uid)
    gateways.fake.put(path, {"spec": {"tier": "Edge"}})
    with pytest.raises(NameTaken):
        await carry_out(gateways, Apply(body), regarding=node)
    assert gateways.fake.read(path)["spec"] == {"tier": "Edge"}
    gateways.fake.remove(path)
    await carry_out(gateways, Apply(body), regarding=node)
    assert gateways.fake.read(path)["spec"] == {"tier": "RAN"}


@pytest.mark.parametrize(
    "action",
    [
        pytest.param(Apply(a_deployment(namespace="other")), id="apply"),
        pytest.param(Delete(ObjectReference("apps/v1", "Deployment", "other", "x", "uid"), "7"), id="delete"),
        pytest.param(WriteStatus(replace(OWNER, namespace="other"), {}), id="status"),
    ],
)
async def test_nothing_is_written_into_another_namespace(gateways: Gateways, action: Action) -> None:
    with pytest.raises(OutOfBounds):
        await carry_out(gateways, action)
    assert not gateways.fake.sent("PATCH")
    assert not gateways.fake.sent("DELETE")


async def test_what_was_seen_is_deleted(gateways: Gateways) -> None:
    (made,) = await carry_out(gateways, Apply(a_deployment()))
    (gone,) = await carry_out(gateways, Delete(made.reference, made.resource_version))
    assert gone == Written(made.reference)
    assert children(gateways) == set()


async def test_a_deletion_of_what_is_gone_is_done(gateways: Gateways) -> None:
    target = ObjectReference("apps/v1", "Deployment", "shop", "plates-a", "uid")
    assert await carry_out(gateways, Delete(target, "7")) == [Written(target)]


async def test_a_deletion_spares_a_newer_object_of_that_name(gateways: Gateways) -> None:
    await carry_out(gateways, Apply(a_deployment()))
    target = ObjectReference("apps/v1", "Deployment", "shop", "plates-a", "an-older-one")
    assert await carry_out(gateways, Delete(target, "7")) == [Written(target)]
    assert the_deployment(gateways)["spec"] == {"replicas": 1}
    assert gateways.fake.sent("DELETE") == []


async def test_a_deletion_decided_on_an_older_state_is_decided_anew(gateways: Gateways) -> None:
    (made,) = await carry_out(gateways, Apply(a_deployment()))
    gateways.fake.put(f"{DEPLOYMENTS}/plates-a", {**the_deployment(gateways), "status": {"readyReplicas": 1}})
    with pytest.raises(Conflict):
        await carry_out(gateways, Delete(made.reference, made.resource_version))
    assert gateways.fake.sent("DELETE") == []


async def test_a_deletion_whose_answer_is_lost_is_done_when_carried_out_again(gateways: Gateways) -> None:
    (made,) = await carry_out(gateways, Apply(a_deployment()))
    gateways.fake.fail(method="DELETE", carried_out=True)
    await until_done(gateways, Delete(made.reference, made.resource_version))
    assert children(gateways) == set()


async def test_an_event_that_fails_fails_nothing_else(gateways: Gateways) -> None:
    gateways.fake.fail(method="POST", status=403)
    assert len(await carry_out(gateways, PLACED, Apply(a_deployment()))) == 1
    assert gateways.count("aif_events_total", outcome="failed") == 1
