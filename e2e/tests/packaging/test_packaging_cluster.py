"""The charts on a real API server: taken as they are, installed, used, upgraded, uninstalled."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml
from audit import Audit, Audits
from charts import CHART, CRDS_CHART, NAMESPACE, RELEASE, VALUES, Helm, HelmFailed, only, rendered, values
from documents import ROOT, object_file
from installing import backups, dry_run, pod_of, settings_of
from kubectl import Kubectl, KubectlFailed
from network import SPARE, TIER_LABEL, a_compute_node, a_service
from operator_process import Operators
from rest import Rest, eventually, stays
from services import Services

from aif.api.base import FIELD_MANAGER
from aif.domain.registry import REGISTERED_BY
from cluster import api
from cluster import nodes as cluster_nodes
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.nodes import SimulatedNode
from cluster.record import Provider

RESTRICTED: Final = {"pod-security.kubernetes.io/enforce": "restricted"}
VALUE_FILES: Final = sorted(path.stem for path in VALUES.glob("*.yaml"))
JOB: Final = ROOT / "manifests" / "samples" / "trainingjob-federated.yaml"
OVERLAYS: Final = sorted((ROOT / "manifests" / "overlays").iterdir())
KINDS: Final = ("aiservices.net4ai.io", "computenodes.net4ai.io", "trainingjobs.net4ai.io")
CRDS_RELEASE: Final = "aif-operator-crds"


@pytest.fixture(scope="module")
def cluster(audits: Audits) -> Iterator[Cluster]:
    """A cluster of its own, in which nothing is installed, the kinds neither."""
    name = f"charts-{secrets.token_hex(3)}"
    started = api.up(name, wish=Asked(provider=Provider.EMBEDDED))
    yield started
    api.down(name)
    assert started.state is not None
    assert started.audit_log is not None
    audits.keep(started.audit_log)
    shutil.rmtree(started.state)  # its logs too: nobody looks for a name that changes with every run


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    """kubectl, bound to that cluster."""
    return Kubectl(cluster)


@pytest.fixture(scope="module")
def rest(cluster: Cluster) -> Rest:
    """The administrator's access to that cluster."""
    return Rest.to(cluster)


@pytest.fixture(scope="module")
def helm(cluster: Cluster) -> Helm:
    """helm, bound to that cluster."""
    return Helm(cluster)


@pytest.fixture(scope="module")
def nodes(cluster: Cluster) -> None:
    """Simulated nodes, on which simulated pods become ready."""
    simulated = [SimulatedNode(name) for name in ("edge-1", *SPARE)]
    cluster_nodes.create(cluster, simulated)


@pytest.fixture
def namespaces(rest: Rest) -> Iterator[Callable[[], str]]:
    """Makes namespaces that enforce the profile `restricted`."""
    made: list[str] = []

    def make() -> str:
        made.append(f"charts-{secrets.token_hex(3)}")
        rest.create("namespaces", {"metadata": {"name": made[-1], "labels": RESTRICTED}})
        eventually(lambda: rest.get("serviceaccounts", "default", made[-1]), "the namespace has its account")
        return made[-1]

    yield make
    for name in made:
        rest.delete("namespaces", name)


@pytest.fixture(scope="module")
def _monitoring(kubectl: Kubectl) -> None:
    """Stand-ins for the kinds of the Prometheus operator."""
    stand_ins = str(object_file("monitoring-crds"))
    kubectl("apply", "--server-side", "-f", stand_ins)
    kubectl.await_kinds("-f", stand_ins)


@pytest.mark.usefixtures("_monitoring")
@pytest.mark.parametrize("name", VALUE_FILES)
def test_the_api_server_takes_every_object_of_the_chart(
    kubectl: Kubectl, namespaces: Callable[[], str], name: str
) -> None:
    namespace = namespaces()
    given = yaml.safe_load((VALUES / f"{name}.yaml").read_text())
    watched = [namespaces() for _ in given.get("watchNamespaces", [])]
    documents = rendered(*values(name), "--set-json", f"watchNamespaces={json.dumps(watched)}", namespace=namespace)
    assert dry_run(kubectl, [*documents, pod_of(documents)]) == len(documents) + 1


@pytest.mark.usefixtures("_monitoring")
def test_a_field_that_a_stand_in_does_not_know_is_refused(kubectl: Kubectl, namespaces: Callable[[], str]) -> None:
    namespace = namespaces()
    monitor = only(rendered(*values("everything"), namespace=namespace), "ServiceMonitor")
    monitor["spec"]["endpoints"][0]["timeout"] = "10s"
    with pytest.raises(KubectlFailed, match=r"\.timeout: field not declared in schema"):
        dry_run(kubectl, [monitor])


def test_pod_security_would_refuse_a_pod_with_more(kubectl: Kubectl, namespaces: Callable[[], str]) -> None:
    namespace = namespaces()
    documents = rendered("--set", "securityContext.allowPrivilegeEscalation=true", namespace=namespace)
    with pytest.raises(KubectlFailed, match="violates PodSecurity"):
        dry_run(kubectl, [pod_of(documents)])


@pytest.mark.usefixtures("_monitoring")
@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda overlay: overlay.name)
def test_the_api_server_takes_every_object_of_an_overlay(kubectl: Kubectl, overlay: Path) -> None:
    documents = list(yaml.safe_load_all(kubectl("kustomize", str(overlay))))
    spaces = [document for document in documents if document["kind"] == "Namespace"]
    others = [document for document in documents if document["kind"] != "Namespace"]
    kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(spaces))
    assert dry_run(kubectl, others) == len(others)


@pytest.fixture
def kinds(helm: Helm, kubectl: Kubectl) -> None:
    """The chart of the kinds, installed, or found installed."""
    helm("upgrade", "--install", CRDS_RELEASE, CRDS_CHART, "--namespace", "default")
    kubectl.await_kinds(*(f"crd/{name}" for name in KINDS))


@pytest.fixture
def install(helm: Helm, rest: Rest) -> Iterator[Callable[..., str]]:
    """Installs or upgrades the operator in a namespace that enforces `restricted`, and waits for its pods."""
    if rest.get("namespaces", NAMESPACE) is None:
        rest.create("namespaces", {"metadata": {"name": NAMESPACE}})
    rest.patch("namespaces", NAMESPACE, {"metadata": {"labels": RESTRICTED}})

    def run(*options: str | Path) -> str:
        where = ("--namespace", NAMESPACE, "--wait", "--timeout", "60s")
        return helm("upgrade", "--install", RELEASE, CHART, *where, *options)

    yield run
    helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found", "--wait", "--timeout", "60s")


@pytest.mark.usefixtures("kinds", "nodes")
def test_an_installed_chart_rolls_out_two_replicas_and_says_what_is_next(
    install: Callable[..., str], rest: Rest, helm: Helm
) -> None:
    said = install()
    assert "kubectl label node NODE" in said
    assert "not installed yet" not in said
    assert "all namespaces" in said
    (deployment,) = rest.list("deployments", NAMESPACE)
    assert deployment["status"]["readyReplicas"] == 2
    assert RELEASE in helm("list", "--namespace", NAMESPACE)


@pytest.mark.usefixtures("kinds", "nodes")
def test_an_upgrade_changes_what_its_values_change_and_the_same_again_changes_nothing(
    install: Callable[..., str], rest: Rest
) -> None:
    def versions() -> tuple[str, dict[str, str]]:
        (deployment,) = rest.list("deployments", NAMESPACE)
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        return deployment["metadata"]["generation"], {item["name"]: item.get("value", "") for item in container["env"]}

    install()
    before = versions()
    install()
    assert versions() == before
    install("--set", "settings.workers=3")
    assert versions()[1] == {**before[1], "AIF_WORKERS": "3"}
    install("--set", "settings.workers=16")
    assert versions()[1] == before[1]


@pytest.mark.usefixtures("kinds", "nodes")
def test_uninstalling_leaves_kinds_and_services_and_installing_again_finds_them(
    install: Callable[..., str], helm: Helm, rest: Rest, namespaces: Callable[[], str]
) -> None:
    install()
    services = Services(rest, namespaces())
    services.apply(a_service("plates"))
    uid = services.get("plates")["metadata"]["uid"]
    helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", "--timeout", "60s")
    helm("uninstall", CRDS_RELEASE, "--namespace", "default")
    assert rest.list("deployments", NAMESPACE) == []
    assert [name for name in KINDS if rest.get("customresourcedefinitions", name) is None] == []
    helm("install", CRDS_RELEASE, CRDS_CHART, "--namespace", "default")
    assert services.get("plates")["metadata"]["uid"] == uid
    services.delete("plates")


@pytest.mark.usefixtures("kinds")
def test_kinds_that_kubectl_installed_are_taken_over(helm: Helm, kubectl: Kubectl) -> None:
    helm("uninstall", CRDS_RELEASE, "--namespace", "default")
    for name in KINDS:
        kubectl("annotate", "crd", name, "meta.helm.sh/release-name-", "meta.helm.sh/release-namespace-")
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    with pytest.raises(HelmFailed, match="invalid ownership metadata"):
        helm("install", CRDS_RELEASE, CRDS_CHART, "--namespace", "default")
    helm("install", CRDS_RELEASE, CRDS_CHART, "--namespace", "default", "--take-ownership", "--force-conflicts")


@pytest.mark.usefixtures("kinds")
def test_a_backup_of_services_and_own_nodes_can_be_restored(
    kubectl: Kubectl, rest: Rest, namespaces: Callable[[], str]
) -> None:
    services = Services(rest, namespaces())
    services.apply(a_service("plates"))
    rest.apply("computenodes", a_compute_node("own"))
    registered = a_compute_node("registered")
    registered["metadata"]["labels"] = {REGISTERED_BY: FIELD_MANAGER}
    rest.apply("computenodes", registered)
    kubectl("create", "-n", services.namespace, "-f", str(JOB))
    saved = [kubectl(*command) for command in backups()]
    spec = services.get("plates")["spec"]
    assert "name: registered" not in saved[-1]
    services.delete("plates")
    kubectl("delete", "-n", services.namespace, "-f", str(JOB))
    for name in ("own", "registered"):
        rest.delete("computenodes", name)
    for text in reversed(saved):
        kubectl("create", "-f", "-", stdin=text)
    assert services.get("plates")["spec"] == spec
    assert rest.get("computenodes", "own") is not None
    kubectl("delete", "-n", services.namespace, "-f", str(JOB))
    rest.delete("computenodes", "own")
    services.delete("plates")


@pytest.mark.usefixtures("kinds", "nodes")
@pytest.mark.parametrize("everywhere", [True, False], ids=["all namespaces", "one namespace"])
def test_the_operator_works_with_the_chart_s_account_and_settings_and_is_refused_nothing(
    install: Callable[..., str],
    kubectl: Kubectl,
    rest: Rest,
    cluster: Cluster,
    namespaces: Callable[[], str],
    tmp_path: Path,
    *,
    everywhere: bool,
) -> None:
    served, other = Services(rest, namespaces()), Services(rest, namespaces())
    options = () if everywhere else ("--set", f"watchNamespaces={{{served.namespace}}}")
    install(*options)
    assert cluster.audit_log is not None
    audit = Audit(cluster.audit_log).from_now()
    operators = Operators(kubectl, tmp_path)
    try:
        operators.start_leading(**settings_of(options))
        for services in (served, other):
            services.apply(a_service("plates"))
        kubectl("label", "node", SPARE[0], f"{TIER_LABEL}=Edge", "--overwrite")
        eventually(lambda: rest.get("computenodes", SPARE[0]), "a labelled Node becomes a ComputeNode")
        served.await_ready("plates")
        if everywhere:
            other.await_ready("plates")
        else:
            stays(lambda: "status" not in other.get("plates"), "the other namespace is left alone", 2)
        served.delete("plates")
        eventually(lambda: not served.copies("plates"), "the copy goes with its service")
        kubectl("label", "node", SPARE[0], f"{TIER_LABEL}-")
        eventually(lambda: rest.get("computenodes", SPARE[0]) is None, "a Node without label has no ComputeNode")
    finally:
        operators.end_all()
        other.delete("plates")
    assert [str(entry) for entry in audit.entries() if entry.status in {401, 403}] == []
    assert audit.writes()
