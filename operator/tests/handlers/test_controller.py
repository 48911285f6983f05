"""A key is taken, decided and carried out; what goes wrong with one delays that one alone."""

from __future__ import annotations

import pytest

from aif.api.aiservice import AIService
from aif.domain.actions import Apply, WriteStatus
from aif.domain.cluster import Node
from aif.domain.registry import TIER_LABEL
from aif.errors import ApiError, Conflict, Denied, Forbidden, NameTaken, Unavailable
from aif.gateways.kubernetes.kinds import Faulty, parse_service
from aif.handlers.keys import Kind
from aif.reconcile.rollout import reference
from tests import virtual_time
from tests.builders import CPU_32, a_compute_node, a_node, a_pod, an_aiservice
from tests.handlers.scenes import Inside, a_key
from tests.reconcile.scenes import said

NODES = (a_node(),)
ONE_GPU = a_compute_node()


def a_world(*nodes: Node) -> Inside:
    return Inside.of(ONE_GPU, nodes=nodes or NODES)


def placed_on(inside: Inside, name: str = "plates") -> list[str]:
    """Return where the cache shows that a service was placed."""
    service = inside.world.services.get(("default", name))
    assert isinstance(service, AIService)
    return [placement.node for placement in service.status.placements]


def told(inside: Inside, kind: str, name: str = "plates") -> tuple[str, str]:
    service = inside.world.services.get(("default", name))
    assert isinstance(service, AIService)
    return next((c.status, c.reason) for c in service.status.conditions if c.type == kind)


def test_a_service_that_is_seen_is_placed_held_and_made() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.see(an_aiservice())
        await inside.work_for()
        assert placed_on(inside) == ["gnb-7"]
        assert [step.split("-")[0] for step in said(inside.applier.done)][:3] == [
            "status AIService plates",
            "apply Deployment plates",
            "apply Service plates",
        ]
        assert inside.world.ledger.held("gnb-7").services == 1

    virtual_time.run(scene())


def test_two_services_never_get_the_same_accelerator() -> None:
    async def scene() -> None:
        inside = a_world()
        for name in ("first", "second", "third"):
            inside.see(an_aiservice(name))
        await inside.work_for()
        homes = [placed_on(inside, name) for name in ("first", "second", "third")]
        assert sorted(map(len, homes)) == [0, 0, 1]
        assert len(inside.triggers.waiting) == 2

    virtual_time.run(scene())


def test_what_waits_is_placed_when_the_holder_is_deleted() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.see(an_aiservice("first"))
        await inside.work_for()
        inside.see(an_aiservice("second"))
        await inside.work_for()
        assert placed_on(inside, "second") == []
        inside.world.services.put(("default", "first"), None)
        await inside.work_for()
        assert placed_on(inside, "second") == ["gnb-7"]

    virtual_time.run(scene())


def test_what_waits_is_placed_when_a_foreign_pod_goes() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.world.pods.put(("shop", "other"), a_pod("other", requests={"nvidia.com/gpu": 1.0}))
        inside.see(an_aiservice())
        await inside.work_for()
        assert placed_on(inside) == []
        inside.world.pods.put(("shop", "other"), None)
        await inside.work_for()
        assert placed_on(inside) == ["gnb-7"]

    virtual_time.run(scene())


def test_nothing_new_is_decided_until_the_caches_show_what_was_written() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.applier.silent = True
        inside.see(an_aiservice())
        await inside.work_for(30)
        assert said(inside.applier.done).count("status AIService plates") == 1

    virtual_time.run(scene())


def test_a_cache_that_stays_silent_is_read_live_after_a_minute() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.applier.silent = True
        inside.see(an_aiservice())
        await inside.work_for(1)
        inside.work.add(a_key())
        await inside.work_for(50)
        assert inside.refresher.asked == []
        await inside.work_for(20)
        assert {target.kind for target in inside.refresher.asked} >= {"AIService", "Deployment", "Service"}

    virtual_time.run(scene())


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(Unavailable("no answer"), id="no answer"),
        pytest.param(Conflict("somebody else wrote"), id="conflict"),
        pytest.param(Forbidden("a right is missing"), id="a right is missing"),
    ],
)
@pytest.mark.parametrize("action", [WriteStatus, Apply])
def test_a_failed_write_is_done_again_and_ends_in_the_same_state(
    error: ApiError, action: type[Apply | WriteStatus]
) -> None:
    async def scene() -> None:
        inside = a_world()
        inside.applier.failures.append((action, error))
        inside.see(an_aiservice())
        await inside.work_for(30)
        assert placed_on(inside) == ["gnb-7"]
        assert len(list(inside.world.children["Deployment"])) == 1
        assert told(inside, "Accepted") == ("True", "AsExpected")

    virtual_time.run(scene())


def test_a_service_that_others_forestall_again_and_again_is_not_left_for_minutes() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.applier.failures += [(WriteStatus, Conflict("somebody else wrote"))] * 14
        inside.see(an_aiservice())
        await inside.work_for(75)
        assert placed_on(inside) == ["gnb-7"]

    virtual_time.run(scene())


def test_a_pause_that_the_server_asks_for_is_kept() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.applier.failures.append((WriteStatus, Unavailable("later", retry_after=60.0)))
        inside.see(an_aiservice())
        await inside.work_for(50)
        assert placed_on(inside) == []
        await inside.work_for(30)
        assert placed_on(inside) == ["gnb-7"]

    virtual_time.run(scene())


def test_a_taken_name_becomes_a_condition_and_is_tried_again() -> None:
    async def scene() -> None:
        inside = a_world()
        taken = NameTaken("Service default/plates exists")
        inside.applier.failures += [(Apply, taken)] * 5
        inside.see(an_aiservice())
        await inside.work_for(1)
        assert told(inside, "Accepted") == ("False", "NameConflict")
        await inside.work_for(120)
        assert told(inside, "Accepted") == ("True", "AsExpected")

    virtual_time.run(scene())


def test_a_refusal_that_lasts_is_told_once() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.applier.failures += [(Apply, Denied("exceeded quota: small"))] * 1000
        inside.see(an_aiservice())
        await inside.work_for(3600)
        steps = [step for step in said(inside.applier.done) if "plates" in step or step.startswith("event")]
        assert steps == ["status AIService plates", "status AIService plates"]

    virtual_time.run(scene())


def test_a_fault_with_one_service_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        inside = Inside.of(a_compute_node(devices=[CPU_32]), nodes=NODES)
        for number in range(5):
            inside.applier.failures.append((WriteStatus, RuntimeError(f"a bug, number {number}")))  # type: ignore[arg-type]
        for number in range(10):
            inside.see(an_aiservice(f"s-{number}", variants=[{"name": "cpu"}], qos={}, load=None))
        await inside.work_for(300)
        assert all(placed_on(inside, f"s-{number}") for number in range(10))

    virtual_time.run(scene())
    assert "Failed to reconcile" in caplog.text


def test_a_spec_that_cannot_be_read_is_reported_by_its_field() -> None:
    async def scene() -> None:
        inside = a_world()
        raw = {
            "apiVersion": "net4ai.io/v1alpha1",
            "kind": "AIService",
            "metadata": {"name": "plates", "namespace": "default", "uid": "uid-1", "generation": 2},
            "spec": {"serviceType": "Inference", "model": {"name": "m"}, "workload": {"image": "a:1", "replicas": -1}},
        }
        faulty = parse_service(raw)
        assert isinstance(faulty, Faulty)
        inside.see(faulty)
        await inside.work_for()
        (write,) = inside.applier.done
        assert isinstance(write, WriteStatus)
        assert "spec.workload.replicas" in write.status["conditions"][0]["message"]

    virtual_time.run(scene())


def test_no_child_is_made_again_for_a_service_that_is_gone() -> None:
    async def scene() -> None:
        inside = a_world()
        service = an_aiservice()
        inside.see(service)
        await inside.work_for(10)
        inside.refresher.live[reference(service)] = None
        done = len(inside.applier.done)
        for key in inside.world.children["Deployment"].keys():  # noqa: SIM118 - a cache iterates over values
            inside.world.children["Deployment"].put(key, None)
        await inside.work_for()
        assert said(inside.applier.done[done:]) == []
        assert inside.world.ledger.held("gnb-7").services == 0

    virtual_time.run(scene())


def test_a_new_service_of_the_same_name_is_another_owner() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.see(an_aiservice())
        await inside.work_for()
        inside.see(an_aiservice(metadata={"uid": "uid-2"}))
        await inside.work_for()
        assert [claim.owner for claim in inside.world.ledger.claims] == ["uid-2"]

    virtual_time.run(scene())


def test_a_node_reports_what_is_held_of_it() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.see(an_aiservice())
        await inside.work_for(10)
        writes = [a for a in inside.applier.done if isinstance(a, WriteStatus) and a.target.kind == "ComputeNode"]
        assert writes[-1].status["reserved"]["services"] == 1

    virtual_time.run(scene())


def test_what_was_written_and_deleted_at_once_is_not_waited_for() -> None:
    async def scene() -> None:
        node = a_node("metro-1", labels={TIER_LABEL: "Edge"})
        inside = Inside.of(nodes=[node])
        made: list[str] = []

        def delete(name: str) -> None:
            """Show the ComputeNode that was written, and that it is gone, before anybody looks again."""
            made.append(name)
            if len(made) == 1:
                uid = {"uid": f"uid-{name}", "resourceVersion": "1"}
                shown = a_compute_node("metro-1", nodeName="metro-1", metadata=uid)
                inside.world.compute_nodes.put(("", "metro-1"), shown)
                inside.world.compute_nodes.put(("", "metro-1"), None)

        inside.applier.silent = True
        inside.applier.on_apply = delete
        inside.work.add(a_key("metro-1", Kind.NODE))
        await inside.work_for(3)
        assert len(made) == 2, "it is registered again"

    virtual_time.run(scene())
