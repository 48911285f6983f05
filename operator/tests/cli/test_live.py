"""The same commands read a cluster, and say in one line what is missing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from aif.cli.live import Access, network, service
from aif.errors import InvalidInput, InvalidSetting, Unavailable
from tests.cli.conftest import Aif, Result, call, named
from tests.fake_api import FakeApi


async def test_a_service_is_read_in_the_namespace_of_the_context(kubeconfig: str) -> None:
    found = await asyncio.to_thread(service, Access(kubeconfig), "plates")
    assert found.metadata.namespace == "video"


async def test_explain_reads_the_cluster(aif: Aif, kubeconfig: str) -> None:
    done = await call(aif, "explain", "plates", "--kubeconfig", kubeconfig, "-o", "json")
    assert done.status == 0, done.err
    assert json.loads(done.out)["service"]["namespace"] == "video"


async def test_the_environment_names_the_cluster_as_for_kubectl(
    aif: Aif, kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_variable(*words: str) -> Result:
        monkeypatch.setenv("KUBECONFIG", kubeconfig)
        return aif(*words)

    assert (await asyncio.to_thread(with_variable, "explain", "plates")).status == 0


async def test_another_context_means_its_own_namespace(kubeconfig: str) -> None:
    with pytest.raises(InvalidInput, match="no AIService plates in namespace default: `kubectl get aiservices -A`"):
        await asyncio.to_thread(service, Access(kubeconfig, "plain"), "plates")


async def test_a_namespace_that_is_given_goes_first(kubeconfig: str) -> None:
    found = await asyncio.to_thread(service, Access(kubeconfig, "plain", "video"), "plates")
    assert found.metadata.name == "plates"


async def test_an_unknown_context_is_told_with_those_that_are_known(kubeconfig: str) -> None:
    with pytest.raises(InvalidSetting, match="there is no context moon; known are here, plain"):
        await asyncio.to_thread(service, Access(kubeconfig, "moon"), "plates")


async def test_nodes_shows_what_the_pods_leave(aif: Aif, kubeconfig: str) -> None:
    done = await call(aif, "nodes", "--kubeconfig", kubeconfig, "-o", "json")
    (node,) = json.loads(done.out)["nodes"]
    assert {device["type"]: device["free"] for device in node["devices"]} == {"nvidia.com/gpu": 0, "cpu": 30}
    assert node["services"] == ["video/plates"]
    assert node["reason"] == "Pending"


async def test_an_object_that_cannot_be_read_hides_no_other(fake: FakeApi, kubeconfig: str) -> None:
    broken = named("ComputeNode", {"metadata": {"name": "broken", "uid": "u"}, "spec": {"tier": "Nowhere"}})
    fake.put("/apis/net4ai.io/v1alpha1/computenodes/broken", broken)
    seen, _ = await asyncio.to_thread(network, Access(kubeconfig))
    assert [node.metadata.name for node in seen.compute_nodes] == ["gnb-7"]


async def test_a_service_that_cannot_be_read_is_told_by_its_field(fake: FakeApi, kubeconfig: str) -> None:
    broken = named("AIService", {"metadata": {"name": "broken", "namespace": "video", "uid": "u"}, "spec": {}})
    fake.put("/apis/net4ai.io/v1alpha1/namespaces/video/aiservices/broken", broken)
    with pytest.raises(InvalidInput, match=r"AIService broken in namespace video cannot be read: spec\.serviceType"):
        await asyncio.to_thread(service, Access(kubeconfig), "broken")


async def test_a_server_that_does_not_answer_is_told(fake: FakeApi, kubeconfig: str) -> None:
    fake.fail(times=99)
    with pytest.raises(Unavailable, match="no answer from the API server"):
        await asyncio.to_thread(network, Access(kubeconfig))


async def test_top_counts_what_pods_request_and_what_services_were_promised(aif: Aif, kubeconfig: str) -> None:
    done = await call(aif, "top", "nodes", "--kubeconfig", kubeconfig, "-o", "json")
    (node,) = json.loads(done.out)["nodes"]
    claimed = {resource["name"]: resource["claimed"] for resource in node["resources"]}
    assert (node["services"], claimed["cpu"], claimed["nvidia.com/gpu"]) == (1, 2, 1)


async def test_top_lists_services_of_the_contexts_namespace_or_of_all(aif: Aif, kubeconfig: str) -> None:
    for words, names in (([], ["plates"]), (["-n", "default"], []), (["-n", "default", "-A"], ["plates"])):
        done = await call(aif, "top", "services", *words, "--kubeconfig", kubeconfig, "-o", "json")
        assert [service["name"] for service in json.loads(done.out)["services"]] == names


def an_event(name: str = "plates", kind: str = "AIService", uid: str = "") -> dict[str, Any]:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{kind}-{name}".lower(), "namespace": "video"},
        "eventTime": "2030-01-01T12:00:00.000000Z",
        "reason": "Placed",
        "note": "Placed on gnb-7",
        "regarding": {"kind": kind, "name": name, "uid": uid},
    }


async def test_history_reads_the_events_of_the_service_alone(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    seen = await asyncio.to_thread(service, Access(kubeconfig), "plates")
    for event in (an_event(uid=seen.metadata.uid), an_event("others"), an_event(kind="Pod")):
        fake.put(f"/apis/events.k8s.io/v1/namespaces/video/events/{event['metadata']['name']}", event)
    done = await call(aif, "history", "plates", "--kubeconfig", kubeconfig, "-o", "json")
    told = json.loads(done.out)
    assert [entry["message"] for entry in told["history"] if entry["source"] == "Event"] == ["Placed on gnb-7"]
    asked = [sent.params for sent in fake.requests if sent.path.endswith("/events")]
    assert asked == [{"fieldSelector": "regarding.kind=AIService,regarding.name=plates"}]


async def test_history_without_the_right_to_read_events_tells_the_conditions(
    aif: Aif, fake: FakeApi, kubeconfig: str
) -> None:
    message = 'events is forbidden: User "me" cannot list resource "events" in API group "events.k8s.io"'
    refusal = {"kind": "Status", "reason": "Forbidden", "message": message}
    fake.fail(path="/events", status=403, times=9, body=json.dumps(refusal).encode())
    done = await call(aif, "history", "plates", "--kubeconfig", kubeconfig)
    assert done.status == 0, done.err
    assert "Ask for the right to list events" in done.out


async def test_history_of_a_service_that_is_not_there_says_what_there_is(aif: Aif, kubeconfig: str) -> None:
    done = await call(aif, "history", "nobody", "--kubeconfig", kubeconfig)
    assert (done.status, done.out) == (1, "")
    assert "`kubectl get aiservices -A` lists what there is" in done.err


def test_a_kubeconfig_that_is_not_there_is_named(aif: Aif, tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    for words in (("nodes",), ("explain", "plates"), ("top", "nodes"), ("top", "services"), ("history", "plates")):
        done = aif(*words, "--kubeconfig", missing)
        assert (done.status, done.out) == (1, "")
        assert done.err == f"error: KUBECONFIG: there is no file {missing}; name one that is, also by --kubeconfig\n"
