"""The operator as a user runs it: its own image, installed by the chart with helm, serving from real nodes."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
import real_machine
from charts import CHART, CRDS_CHART, NAMESPACE, RELEASE, Helm
from kubectl import Kubectl
from network import a_service, a_workload
from rest import Rest, eventually
from services import Services

from cluster import api
from cluster.api import Cluster
from cluster.parts import Options
from cluster.paths import Folders
from cluster.real import python_image
from cluster.real.machine import DEFAULT_NODES
from cluster.real.verbs import RealNodes

pytestmark = pytest.mark.slow

NAME = "real-operator"
PATIENCE_S = 180.0


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The user's programs, and a state folder of the test's own."""
    return replace(Folders.of(os.environ), state=tmp_path_factory.mktemp("state") / "aif-operator")


@pytest.fixture(scope="module")
def cluster(folders: Folders) -> Iterator[Cluster]:
    """A cluster with a radio site, and an edge site with an accelerator."""
    options = Options(real=DEFAULT_NODES[:2])
    yield real_machine.bring_up(NAME, options, folders)
    api.down(NAME, folders=folders)


@pytest.fixture(scope="module")
def real(cluster: Cluster, folders: Folders) -> RealNodes:
    """The verbs for its nodes, which have the images of the operator and of a Python."""
    nodes = RealNodes(cluster.name, folders)
    images = folders.layout(NAME).root / "images"
    for write, name in ((python_image.write_python, "python.tar"), (python_image.write_operator, "operator.tar")):
        write(images / name)
        nodes.load(images / name)
    return nodes


@pytest.fixture(scope="module")
def installed(cluster: Cluster, real: RealNodes) -> Kubectl:
    """The charts, installed into a namespace that enforces the profile `restricted`; returns once it is ready."""
    assert real.name == cluster.name
    kubectl, helm = Kubectl(cluster), Helm(cluster)
    kubectl("create", "namespace", NAMESPACE)
    kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    helm("install", "aif-operator-crds", CRDS_CHART, "--namespace", NAMESPACE)
    repository, tag = python_image.OPERATOR_IMAGE.rsplit(":", 1)
    values = (f"image.repository={repository}", f"image.tag={tag}", "replicas=1", "resources.requests.cpu=100m")
    options = ("--namespace", NAMESPACE, "--set", ",".join(values), "--wait", "--timeout", f"{PATIENCE_S:.0f}s")
    helm("install", RELEASE, CHART, *options)
    return kubectl


@pytest.fixture
def services(cluster: Cluster, installed: Kubectl) -> Services:
    """AIServices in a namespace of the test's own."""
    rest, name = Rest.to(cluster), f"tenant-{secrets.token_hex(3)}"
    installed("create", "namespace", name)
    return Services(rest, name)


def test_the_operator_in_a_pod_serves_from_the_node_that_it_chose(
    services: Services, real: RealNodes, installed: Kubectl
) -> None:
    workload = a_workload(python_image.PYTHON_IMAGE, args=["-m", "http.server", "8080"])
    services.apply(a_service("plates", workload=workload))
    services.await_ready("plates", within_s=PATIENCE_S)
    address = installed("get", "service", "plates", "-n", services.namespace, "-o", "jsonpath={.spec.clusterIP}")
    port = installed("get", "service", "plates", "-n", services.namespace, "-o", "jsonpath={.spec.ports[0].port}")
    pod = services.rest.list("pods", services.namespace)[0]
    command = real.command(["curl", "--silent", "--fail", "--max-time", "10", f"http://{address}:{port}/"])

    def answer() -> str:
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout

    assert "Directory listing" in eventually(answer, "the service answers", PATIENCE_S)
    assert pod["spec"]["nodeName"] == services.node_of("plates")
    assert pod["spec"]["nodeName"] in {node.name for node in DEFAULT_NODES[:2]}


def test_the_operator_in_a_pod_has_nothing_to_complain_of(services: Services, installed: Kubectl) -> None:
    assert services.namespace
    said = installed("logs", "-n", NAMESPACE, f"deployment/{RELEASE}", "--tail=-1")
    assert "Leading" in said
    assert [line for line in said.splitlines() if '"level":"error"' in line] == []
