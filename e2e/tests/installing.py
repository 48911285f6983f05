"""What tests of an installation share: judging without writing, the backup of the guide, the settings of the chart."""

from __future__ import annotations

import re
import shlex

import yaml
from argocd import health
from charts import environment, only, rendered
from documents import ROOT, Document
from kubectl import Kubectl
from network import SPARE
from rest import Rest


def dry_run(kubectl: Kubectl, documents: list[Document]) -> int:
    """Have the API server judge objects as it would on writing them, unknown fields too; return how many it took."""
    options = ("--server-side", "--dry-run=server", "--validate=strict")
    judged = kubectl("apply", *options, "-f", "-", stdin=yaml.safe_dump_all(documents))
    return judged.count("serverside-applied (server dry run)")


def pod_of(documents: list[Document]) -> Document:
    """Return the pod that the Deployment would make; with an account and a class that are there before."""
    deployment = only(documents, "Deployment")
    template, namespace = deployment["spec"]["template"], deployment["metadata"]["namespace"]
    spec = {**template["spec"], "serviceAccountName": "default"}
    spec.pop("priorityClassName", None)
    metadata = {"name": "operator", "namespace": namespace, **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def backups() -> list[list[str]]:
    """Return the commands of the guide that print what is to keep: services, jobs, nodes."""
    guide = (ROOT / "docs" / "install.md").read_text()
    lines = re.findall(r"^kubectl (get .*) > \w+\.yaml$", guide, re.MULTILINE)
    assert len(lines) == 3
    return [shlex.split(line) for line in lines]


def health_of_node(rest: Rest) -> str:
    """Return what Argo CD makes of the ComputeNode that registered itself."""
    found = rest.get("computenodes", SPARE[0])
    assert found is not None
    return health("ComputeNode", found)[0]


def settings_of(options: tuple[str, ...]) -> dict[str, str]:
    """Return the variables that the chart sets, but for those that the pod or the test machine decides."""
    given = environment(rendered(*options))
    return {name: value for name, value in given.items() if name not in {"AIF_NAMESPACE", "HOSTNAME", "AIF_HTTP_PORT"}}
