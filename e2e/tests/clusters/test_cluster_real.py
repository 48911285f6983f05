"""Real nodes for real: pods that answer, traffic between nodes, slow nodes and links, nodes that die, the end."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import real_machine
import real_web
from kubectl import Kubectl
from machine_state import MachineState, processes_of
from rich.console import Console

from cluster import api, nodes, record
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.parts import Options
from cluster.paths import Folders
from cluster.progress import Steps
from cluster.real import python_image
from cluster.real.machine import DEFAULT_NODES, GPU, TIER_LABEL
from cluster.real.standing import addresses_of
from cluster.real.verbs import RealNodes
from cluster.record import Provider

pytestmark = pytest.mark.slow

NAME = "real"
NODES = tuple(node.name for node in DEFAULT_NODES)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The user's programs, and a state folder of the test's own."""
    return replace(Folders.of(os.environ), state=tmp_path_factory.mktemp("state") / "aif-operator")


@pytest.fixture(scope="module")
def cluster(folders: Folders) -> Iterator[Cluster]:
    """A cluster with three real nodes, that sees a dead one soon."""
    options = Options(node_grace_s=8, eviction_s=2, real=DEFAULT_NODES)
    yield real_machine.bring_up(NAME, options, folders)
    api.down(NAME, folders=folders)


@pytest.fixture(scope="module")
def real(cluster: Cluster, folders: Folders) -> RealNodes:
    """The verbs for its nodes."""
    return RealNodes(cluster.name, folders)


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    """kubectl, bound to the cluster."""
    return Kubectl(cluster)


@pytest.fixture(scope="module")
def web(kubectl: Kubectl, real: RealNodes, folders: Folders) -> dict[str, str]:
    """A web server on every node: the addresses of its pods by node."""
    image = folders.layout(NAME).root / "images" / "python.tar"
    python_image.write_python(image)
    assert set(real.load(image)) == set(NODES)
    for document in (real_web.deployment("web", len(NODES)), real_web.service("web")):
        kubectl("apply", "-f", "-", stdin=json.dumps(document))
    kubectl("rollout", "status", "deployment/web", "--timeout=180s")
    address = kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    for place in (None, *NODES):
        _await(lambda place=place: answers(real, address, place))
    pods = json.loads(kubectl("get", "pods", "-l", "app=web", "-o", "json"))["items"]
    return {pod["spec"]["nodeName"]: pod["status"]["podIP"] for pod in pods}


def ask(real: RealNodes, address: str, path: str = "", node: str | None = None) -> bytes:
    """What a server answers to a client in the hub, or on a node."""
    command = real.command(["curl", "--silent", "--fail", "--max-time", "60", f"http://{address}/{path}"], node)
    return subprocess.run(command, check=True, capture_output=True).stdout


def cpus_used(real: RealNodes, address: str, node: str) -> float:
    """The CPUs that the pods of a node get while one is busy, measured by their control group."""
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(ask, real, address, "work/1.5")
        time.sleep(0.3)
        used, begun = real.pods(node).cpu_seconds(), time.monotonic()
        time.sleep(1.0)
        share = (real.pods(node).cpu_seconds() - used) / (time.monotonic() - begun)
        busy.result()
    return share


def test_every_node_is_ready_with_its_tier_and_its_accelerators(cluster: Cluster, kubectl: Kubectl) -> None:
    nodes.await_ready(cluster, NODES)
    found = {node["metadata"]["name"]: node for node in json.loads(kubectl("get", "nodes", "-o", "json"))["items"]}
    tiers = {name: found[name]["metadata"]["labels"][TIER_LABEL] for name in NODES}
    gpus = {name: found[name]["status"]["allocatable"].get(GPU, "0") for name in NODES}
    assert tiers == {"ran-1": "RAN", "edge-1": "Edge", "cloud-1": "Cloud"}
    assert gpus == {"ran-1": "0", "edge-1": "1", "cloud-1": "4"}


def test_a_service_answers_from_every_node_to_clients_on_every_node(
    web: dict[str, str], real: RealNodes, kubectl: Kubectl
) -> None:
    assert set(web) == set(NODES)
    address = kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    for client in (None, *NODES):
        assert {ask(real, address, node=client).decode() for _ in range(40)} == set(NODES)


def answers(real: RealNodes, address: str, node: str | None) -> bool:
    """Whether the rules of a Service have reached this place: they follow its endpoints within a second or two."""
    try:
        return {ask(real, address, node=node).decode() for _ in range(20)} == set(NODES)
    except subprocess.CalledProcessError:
        return False


def test_a_pod_reaches_the_pods_of_other_nodes_through_their_service(web: dict[str, str], kubectl: Kubectl) -> None:
    assert web
    address = kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    program = (
        f"from urllib.request import urlopen\nfor _ in range(40): print(urlopen('http://{address}').read().decode())"
    )
    said = kubectl("exec", "deployment/web", "--", "python3", "-c", program)
    assert set(said.split()) == set(NODES)


def test_a_slowed_node_gives_its_pods_just_the_quota(web: dict[str, str], real: RealNodes) -> None:
    real.slow("edge-1", 0.2)
    slowed = cpus_used(real, f"{web['edge-1']}:8080", "edge-1")
    real.slow("edge-1", None)
    back = cpus_used(real, f"{web['edge-1']}:8080", "edge-1")
    assert slowed <= 0.25
    assert back >= 1.5 * slowed


def test_a_slowed_link_carries_just_its_rate(web: dict[str, str], real: RealNodes) -> None:
    def rate_of(node: str) -> float:
        begun = time.monotonic()
        assert len(ask(real, f"{web[node]}:8080", "bytes/1500000")) == 1_500_000
        return 8 * 1_500_000 / (time.monotonic() - begun)

    real.slow_link("edge-1", "4mbit")
    slowed = rate_of("edge-1")
    real.slow_link("edge-1", None)
    assert slowed <= 4_600_000
    assert rate_of("edge-1") >= 2 * slowed


def test_a_frozen_node_is_not_ready_until_it_goes_on(cluster: Cluster, real: RealNodes) -> None:
    real.freeze("ran-1")
    nodes.await_ready(cluster, ["ran-1"], ready=False, patience_s=90)
    real.freeze("ran-1", frozen=False)
    nodes.await_ready(cluster, ["ran-1"], patience_s=90)


def test_a_killed_node_is_not_ready_its_pods_move_and_it_comes_back(
    web: dict[str, str], cluster: Cluster, real: RealNodes, kubectl: Kubectl
) -> None:
    assert web
    real.kill("cloud-1")
    nodes.await_ready(cluster, ["cloud-1"], ready=False, patience_s=90)
    nodes.await_ready(cluster, ["ran-1", "edge-1"])
    real.start("cloud-1", Steps(Console(quiet=True)))
    nodes.await_ready(cluster, NODES, patience_s=90)
    kubectl("rollout", "status", "deployment/web", "--timeout=180s")
    address = kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    _await(lambda: answers(real, address, "cloud-1"))
    assert answers(real, address, "cloud-1")


def test_clusters_run_side_by_side_and_each_leaves_nothing_behind(cluster: Cluster, folders: Folders) -> None:
    before, layout = MachineState.now(), folders.layout("other")
    nodes_of_other = (replace(DEFAULT_NODES[0], name="solo-1"),)
    other = api.up(
        "other", wish=Asked(provider=Provider.EMBEDDED), options=Options(real=nodes_of_other), folders=folders
    )
    try:
        nodes.await_ready(other, ["solo-1"])
        nodes.await_ready(cluster, NODES)
        known = record.load(layout)
        marks = ("aif-other-", str(layout.root), addresses_of(known).link if known else "")
        during = MachineState.now().left_since(before, marks)
    finally:
        api.down("other", folders=folders)
    assert len(during) > len(marks)
    assert MachineState.now().left_since(before, marks) == []
    assert processes_of(layout) == []
    assert [path.name for path in layout.root.iterdir()] == ["logs"]
    nodes.await_ready(cluster, NODES)


@pytest.mark.parametrize("seconds", [pytest.param(1.0, id="early"), pytest.param(6.0, id="late")])
def test_a_start_that_was_killed_is_brought_down_without_a_trace(
    cluster: Cluster, folders: Folders, seconds: float
) -> None:
    assert cluster.name == NAME, "which shows that this machine can run real nodes"
    before, layout = MachineState.now(), folders.layout("cut-short")
    environ = {**os.environ, "XDG_STATE_HOME": str(folders.state.parent), "PYTHONPATH": str(Path(__file__).parents[2])}
    environ.pop("KUBECONFIG", None)
    command = ["python", "-m", "cluster", "up", "--nodes", "solo-1:", "--name", "cut-short"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as started:
        _await(layout.record.exists)
        time.sleep(seconds)
        started.kill()
    assert processes_of(layout) != []
    assert api.down("cut-short", folders=folders)
    assert processes_of(layout) == []
    assert MachineState.now().left_since(before, ("aif-cut-short-", str(layout.root))) == []
    assert [path.name for path in layout.root.iterdir()] == ["logs"]


def _await(fact: object, patience_s: float = 120.0) -> None:
    assert callable(fact)
    deadline = time.monotonic() + patience_s
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.05)
