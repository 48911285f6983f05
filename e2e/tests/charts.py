"""helm, built from its Go module, as a platform team calls it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml
from documents import ROOT, Document
from rich.console import Console

from cluster import tools
from cluster.api import Cluster
from cluster.build import ensure
from cluster.paths import Folders
from cluster.progress import Steps

CHART: Final = ROOT / "helm" / "aif-operator"
CRDS_CHART: Final = ROOT / "helm" / "aif-operator-crds"
VALUES: Final = Path(__file__).parent / "values"
RELEASE: Final = "aif-operator"
NAMESPACE: Final = "aif-system"


class HelmFailed(AssertionError):
    """helm ended with an error; the text is what it printed."""


@dataclass(frozen=True, slots=True)
class Helm:
    """helm, bound to a cluster where one is given: a call returns what it printed."""

    cluster: Cluster | None = None

    def __call__(self, *arguments: str | Path) -> str:
        """Run helm with `arguments`.

        Raises:
            HelmFailed: It ended with an error.
        """
        words = [str(_program()), *map(str, arguments)]
        done = subprocess.run(words, env=self._environment(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise HelmFailed(f"{' '.join(words[1:])}: {done.stdout.strip()} {done.stderr.strip()}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        """Return the variables; without a cluster none is found, whatever the user's own settings are."""
        cluster = self.cluster
        context = {"HELM_KUBECONTEXT": cluster.context} if cluster and cluster.context else {}
        return {**os.environ, "KUBECONFIG": (cluster and cluster.kubeconfig) or os.devnull, **context}


@cache
def _program() -> Path:
    return ensure((tools.helm(),), Folders.of(os.environ), Steps(Console(quiet=True))).paths["helm"]


def values(name: str) -> tuple[str, Path]:
    """Return the option that takes one of the value files of the tests."""
    return "--values", VALUES / f"{name}.yaml"


def rendered(*options: str | Path, namespace: str = NAMESPACE) -> list[Document]:
    """Return the objects that the chart of the operator makes with `options`."""
    text = Helm()("template", RELEASE, CHART, "--namespace", namespace, *options)
    return [document for document in yaml.safe_load_all(text) if document]


def only(documents: list[Document], kind: str, name: str = "") -> Document:
    """Return the one object of `kind`, and of `name` where one is given."""
    (found,) = (
        document for document in documents if document["kind"] == kind and name in {"", document["metadata"]["name"]}
    )
    return found


def container(documents: list[Document]) -> Document:
    """Return the container of the operator."""
    (found,) = only(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def environment(documents: list[Document]) -> dict[str, str]:
    """Return the variables that the operator sees: those of the pod's fields as ``<field>``."""
    return {
        item["name"]: item["value"] if "value" in item else f"<{item['valueFrom']['fieldRef']['fieldPath']}>"
        for item in container(documents)["env"]
    }


def _bare(document: Document) -> Document:
    """Return what an object of RBAC grants to whom, without labels."""
    metadata = {key: document["metadata"][key] for key in ("name", "namespace") if key in document["metadata"]}
    return {key: document[key] for key in ("kind", "rules", "roleRef", "subjects") if key in document} | metadata


def rights(documents: list[Document]) -> list[Document]:
    """Return accounts, roles and bindings in an order of their own."""
    kinds = {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
    return sorted((_bare(document) for document in documents if document["kind"] in kinds), key=json.dumps)
