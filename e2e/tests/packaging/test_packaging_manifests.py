"""The overlays of kustomize: what each changes of manifests/base, and nothing else."""

from __future__ import annotations

import pytest
import yaml
from charts import container, environment, only, rendered, rights
from documents import ROOT, Document
from kubectl import Kubectl

OVERLAYS = sorted(path.name for path in (ROOT / "manifests" / "overlays").iterdir())


def built(kubectl: Kubectl, folder: str) -> list[Document]:
    return list(yaml.safe_load_all(kubectl("kustomize", str(ROOT / "manifests" / folder))))


def identity(document: Document) -> tuple[str, str, str]:
    metadata = document["metadata"]
    return document["kind"], metadata.get("namespace", ""), metadata["name"]


def differing(kubectl: Kubectl, overlay: str) -> set[tuple[str, str, str]]:
    """Return what an overlay adds, takes away or changes."""
    base = {identity(document): document for document in built(kubectl, "base")}
    own = {identity(document): document for document in built(kubectl, f"overlays/{overlay}")}
    return {key for key in base.keys() | own.keys() if base.get(key) != own.get(key)}


def test_the_overlays_are_the_three_of_the_guide() -> None:
    assert OVERLAYS == ["dev", "prometheus", "single-namespace"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_names_no_object_twice(kubectl: Kubectl, overlay: str) -> None:
    names = [identity(document) for document in built(kubectl, f"overlays/{overlay}")]
    assert len(names) == len(set(names))


def test_the_base_mounts_what_the_chart_mounts(kubectl: Kubectl) -> None:
    base, chart = built(kubectl, "base"), rendered()
    assert container(base)["volumeMounts"] == container(chart)["volumeMounts"]
    pods = [only(documents, "Deployment")["spec"]["template"]["spec"] for documents in (base, chart)]
    assert pods[0]["volumes"] == pods[1]["volumes"]


def test_dev_is_one_replica_that_says_much_and_blocks_no_drain(kubectl: Kubectl) -> None:
    documents = built(kubectl, "overlays/dev")
    assert only(documents, "Deployment")["spec"]["replicas"] == 1
    assert environment(documents)["AIF_LOG_LEVEL"] == "debug"
    assert {kind for kind, *_ in differing(kubectl, "dev")} == {"Deployment", "PodDisruptionBudget"}
    assert "PodDisruptionBudget" not in {document["kind"] for document in documents}


def test_prometheus_adds_what_is_scraped(kubectl: Kubectl) -> None:
    documents = built(kubectl, "overlays/prometheus")
    assert {kind for kind, *_ in differing(kubectl, "prometheus")} == {"Service", "ServiceMonitor"}
    service, (endpoint,) = only(documents, "Service"), only(documents, "ServiceMonitor")["spec"]["endpoints"]
    (port,) = service["spec"]["ports"]
    assert endpoint["port"] == port["name"]
    assert port["targetPort"] in {named["name"] for named in container(documents)["ports"]}


def granted(documents: list[Document]) -> list[tuple[str, str, Document]]:
    """Return kind, namespace and rules of each role."""
    roles = [document for document in rights(documents) if "rules" in document]
    return sorted(((role["kind"], role.get("namespace", ""), role["rules"]) for role in roles), key=str)


def test_single_namespace_grants_what_the_chart_grants_for_one_namespace(kubectl: Kubectl) -> None:
    documents = built(kubectl, "overlays/single-namespace")
    assert environment(documents)["AIF_WATCH_NAMESPACES"] == "ai-services"
    assert granted(documents) == granted(rendered("--set", "watchNamespaces={ai-services}"))
    (bound,) = (document for document in documents if document["kind"] == "ClusterRoleBinding")
    assert bound["roleRef"]["name"] == "aif-operator"
