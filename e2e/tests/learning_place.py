"""Real nodes on which training jobs learn: with the learner's image, a claim that all share, and an operator."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import operator_account
from kubectl import Kubectl
from network import a_compute_node
from operator_process import Operators
from rest import Json, Rest, eventually
from training_jobs import TrainingJobs

from cluster.api import Cluster
from cluster.paths import Folders
from cluster.real import python_image
from cluster.real.machine import RealNode
from cluster.real.verbs import RealNodes

NAMESPACE: Final = "lab"
PATIENCE_S: Final = 420.0
"""A job on two busy cores takes its time; this only bounds a broken one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where training jobs learn on real nodes; `folder` is what their claim `models` is on.

    `settings` are those of the operators that are started here.
    """

    cluster: Cluster
    rest: Rest
    kubectl: Kubectl
    jobs: TrainingJobs
    real: RealNodes
    operators: Operators
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def revive(self) -> None:
        """Start an operator where none runs, as its Deployment does: one that cannot renew its Lease ends itself."""
        if not any(replica.alive for replica in self.operators.replicas):
            self.operators.start(**self.settings)

    def await_complete(self, name: str, within_s: float = PATIENCE_S) -> Json:
        """Return the status of a job once it is complete.

        Raises:
            AssertionError: It was not in time; the logs of its pods are printed.
        """

        def ended() -> Json:
            self.revive()
            told = self.jobs.get(name).get("status", {})
            complete = [c["status"] for c in told.get("conditions", []) if c["type"] == "Complete"]
            assert complete == ["True"], told.get("roles", "nothing is decided yet")
            return dict(told)

        try:
            return eventually(ended, f"the job {name} is complete", within_s)
        except AssertionError:
            print(self.logs(name))
            raise

    def remove(self, name: str) -> None:
        """Delete a job, and wait until its pods are gone but those of nodes that are."""
        self.rest.delete("trainingjobs", name, NAMESPACE)
        eventually(lambda: not self.jobs.pods(name), f"the pods of {name} are gone", PATIENCE_S)

    def note(self, name: str) -> Json:
        """Return what stands beside the model that a job left: its digest, metrics and lineage."""
        return dict(json.loads((self.folder / name / "model.json").read_text(encoding="utf-8")))

    def logs(self, name: str) -> str:
        """Return where the pods are, and the last lines of those of a job."""
        command = ("logs", "--namespace", NAMESPACE, "--selector", f"net4ai.io/job={name}", "--prefix", "--tail", "15")
        try:
            return self.kubectl("get", "pods", "--namespace", NAMESPACE, "-o", "wide") + self.kubectl(*command)
        except (AssertionError, subprocess.SubprocessError) as error:
            return str(error)


@contextmanager
def a_place(
    cluster: Cluster, nodes: Sequence[tuple[RealNode, str]], folders: Folders, scratch: Path, **settings: str
) -> Iterator[Place]:
    """Make a cluster of real nodes ready for training jobs; `nodes` are those nodes, each with its tier.

    `settings` are variables of the operator.
    """
    real, kubectl, rest = RealNodes(cluster.name, folders), Kubectl(cluster), Rest.to(cluster)
    image = folders.layout(cluster.name).root / "images" / "learner.tar"
    python_image.write_learner(image)
    real.load(image)
    operator_account.install_kinds(kubectl)
    operator_account.install(kubectl)
    for node, tier in nodes:
        rest.apply("computenodes", a_compute_node(node.name, tier=tier))
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    rest.create("namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}})
    models, own = scratch / "models", scratch / "operator"
    for folder in (models, own):
        folder.mkdir()
    models.chmod(0o777)
    _make_claim(rest, models)
    operators = Operators(kubectl, own)
    try:
        operators.start_leading(**settings)
        yield Place(cluster, rest, kubectl, TrainingJobs(rest, NAMESPACE), real, operators, models, settings)
    finally:
        operators.end_all()


def a_spec(**more: Any) -> dict[str, Any]:
    """Return what a TrainingJob on such a place says of its pods, rounds and seed."""
    workload = {"image": python_image.LEARNER_IMAGE, "resources": {"cpu": "50m", "memory": "384Mi"}}
    return {"workload": workload, "rounds": {"max": 3, "localEpochs": 5, "timeoutSeconds": 240}, "seed": 7, **more}


def _make_claim(rest: Rest, folder: Path) -> None:
    """Make the claim `models` on a folder of this machine, which all nodes share."""
    common = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    volume = {"capacity": {"storage": "1Gi"}, "persistentVolumeReclaimPolicy": "Retain"}
    spec = {**common, **volume, "hostPath": {"path": str(folder)}}
    rest.create("persistentvolumes", {"metadata": {"name": "models"}, "spec": spec})
    wanted = {**common, "volumeName": "models", "resources": {"requests": {"storage": "1Gi"}}}
    rest.create("persistentvolumeclaims", {"metadata": {"name": "models"}, "spec": wanted}, NAMESPACE)
