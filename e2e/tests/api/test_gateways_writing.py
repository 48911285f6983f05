"""Writing to a real API server: ownership, preconditions and refusals are its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from gateway_world import GONE, GatewayWorld, a_world, until_settled
from rest import Rest

from aif.domain.actions import Apply, Delete, WriteStatus
from aif.errors import ApiError, Conflict, Denied, Forbidden, NameTaken, NotFound
from cluster.api import Cluster


@pytest.fixture
async def world(cluster: Cluster, rest: Rest) -> AsyncIterator[GatewayWorld]:
    """Gateways, and an AIService to act for."""
    async with a_world(cluster, rest) as made:
        yield made


async def test_an_intent_is_applied_and_the_same_again_changes_nothing(world: GatewayWorld) -> None:
    (first,) = await world.carry_out(Apply(world.intent()))
    await until_settled(world)
    before = await world.deployment()
    (second,) = await world.carry_out(Apply(world.intent()))
    assert first.reference == second.reference
    assert second.resource_version == before["metadata"]["resourceVersion"]


async def test_a_field_that_the_intent_leaves_out_goes(world: GatewayWorld) -> None:
    await world.carry_out(Apply({**world.intent(), "spec": {**world.intent()["spec"], "paused": True}}))
    assert (await world.deployment())["spec"]["paused"] is True
    await world.carry_out(Apply(world.intent()))
    assert "paused" not in (await world.deployment())["spec"]


async def test_a_foreign_change_to_a_child_is_taken_back(world: GatewayWorld) -> None:
    await world.carry_out(Apply(world.intent()))
    await world.change({"spec": {"paused": True, "replicas": 2}})
    await world.carry_out(Apply(world.intent()))
    spec = (await world.deployment())["spec"]
    assert spec["replicas"] == 0


@pytest.mark.parametrize(
    "stripped", [{"ownerReferences": None}, {"labels": None}, {"ownerReferences": None, "labels": None}]
)
async def test_stripped_owners_and_labels_come_back(world: GatewayWorld, stripped: dict[str, None]) -> None:
    await world.carry_out(Apply(world.intent()))
    await world.change({"metadata": stripped, "spec": {"replicas": 2}})
    await world.carry_out(Apply(world.intent()))
    metadata = (await world.deployment())["metadata"]
    assert [owner["uid"] for owner in metadata["ownerReferences"]] == [world.service.uid]
    assert metadata["labels"] == {"app": "plates"}
    assert (await world.deployment())["spec"]["replicas"] == 0


async def test_a_deployment_of_somebody_else_is_left_alone(world: GatewayWorld) -> None:
    foreign = world.intent(replicas=1)
    del foreign["metadata"]["ownerReferences"]
    made = world.rest.create("deployments", foreign, world.namespace)
    with pytest.raises(NameTaken):
        await world.carry_out(Apply(world.intent()))
    live = await world.deployment()
    assert live["spec"] == made["spec"]
    assert "ownerReferences" not in live["metadata"]


async def test_a_forced_apply_is_bound_to_the_object_that_was_looked_at(world: GatewayWorld) -> None:
    await world.carry_out(Apply(world.intent()))
    other = {**world.intent(replicas=3), "metadata": {**world.intent()["metadata"], "uid": GONE}}
    with pytest.raises(Conflict):
        await world.writer.apply(other)
    assert (await world.deployment())["spec"]["replicas"] == 0


async def test_a_status_is_written_once_and_leaves_spec_and_generation(world: GatewayWorld) -> None:
    status = {"observedGeneration": 1, "summary": {"node": "gnb-7", "tier": "RAN"}}
    before = await world.api.get(world.service)
    (first,) = await world.carry_out(WriteStatus(world.service, status))
    (second,) = await world.carry_out(WriteStatus(world.service, status))
    after = await world.api.get(world.service)
    assert first.resource_version == second.resource_version == after["metadata"]["resourceVersion"]
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["status"]["summary"]["node"] == "gnb-7"


@pytest.mark.parametrize("name", ["plates", "never-there"])
async def test_a_status_for_another_uid_is_refused(world: GatewayWorld, name: str) -> None:
    target = replace(world.service, name=name, uid=GONE)
    with pytest.raises((Conflict, NotFound)):
        await world.carry_out(WriteStatus(target, {"observedGeneration": 9}))
    assert "observedGeneration" not in (await world.api.get(world.service)).get("status", {})


async def test_only_the_state_that_was_seen_is_deleted(world: GatewayWorld) -> None:
    (made,) = await world.carry_out(Apply(world.intent()))
    await until_settled(world)
    with pytest.raises(Conflict):
        await world.carry_out(Delete(made.reference, made.resource_version))
    with pytest.raises(Conflict):
        await world.writer.delete(made.reference, made.resource_version)
    live = await world.deployment()
    with pytest.raises(Conflict):
        await world.writer.delete(replace(made.reference, uid=GONE), live["metadata"]["resourceVersion"])
    await world.carry_out(Delete(made.reference, live["metadata"]["resourceVersion"]))
    with pytest.raises(NotFound):
        await world.deployment()


async def test_a_quota_is_a_denial_that_names_it(world: GatewayWorld) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"count/deployments.apps": "0"}}}
    world.rest.create("resourcequotas", quota, world.namespace)
    async with asyncio.timeout(20):
        while not await denied_by(world, "none"):  # noqa: ASYNC110 - a quota counts from when its controller saw it
            await asyncio.sleep(0.1)


async def denied_by(world: GatewayWorld, rule: str) -> bool:
    """Return whether ``rule`` denies the Deployment."""
    try:
        (made,) = await world.carry_out(Apply(world.intent()))
    except Denied as error:
        return error.rule == rule
    with contextlib.suppress(ApiError):
        await world.carry_out(Delete(made.reference, made.resource_version))
    return False


async def test_a_missing_right_is_told_as_what_to_add(world: GatewayWorld) -> None:
    world.session.headers["Impersonate-User"] = "nobody"
    with pytest.raises(Forbidden, match="add the verb patch on deployments"):
        await world.writer.apply(world.intent())


async def test_an_intent_that_validation_refuses_is_rejected_by_field(world: GatewayWorld) -> None:
    with pytest.raises(ApiError, match=r"spec\.replicas") as caught:
        await world.writer.apply(world.intent(replicas=-1))
    assert caught.value.status == 422
