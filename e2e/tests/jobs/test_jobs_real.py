"""Training on real nodes: pods of the learner's image, certificates, and a model on its claim."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import operator_account
import pytest
import real_machine
from kubectl import Kubectl
from network import a_compute_node
from operator_process import Operators
from rest import Rest, eventually
from training_jobs import TrainingJobs, a_training_job

from cluster import api
from cluster.api import Cluster
from cluster.parts import Options
from cluster.paths import Folders
from cluster.real import python_image
from cluster.real.machine import DEFAULT_NODES
from cluster.real.verbs import RealNodes

pytestmark = pytest.mark.slow

NAME = "real-learning"
NODES = tuple(replace(node, cpus=1.0) for node in DEFAULT_NODES[:2])
PATIENCE_S = 420.0


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster with the learner's image, and an operator."""

    jobs: TrainingJobs
    kubectl: Kubectl
    folder: str


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The user's programs, and a state folder of the test's own."""
    return replace(Folders.of(os.environ), state=tmp_path_factory.mktemp("state") / "aif-operator")


@pytest.fixture(scope="module")
def cluster(folders: Folders) -> Iterator[Cluster]:
    """A cluster with two nodes of a CPU each."""
    yield real_machine.bring_up(NAME, Options(real=NODES), folders)
    api.down(NAME, folders=folders)


@pytest.fixture(scope="module")
def place(cluster: Cluster, folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """All of it."""
    real, kubectl, rest = RealNodes(NAME, folders), Kubectl(cluster), Rest.to(cluster)
    image = folders.layout(NAME).root / "images" / "learner.tar"
    python_image.write_learner(image)
    real.load(image)
    operator_account.install_kinds(kubectl)
    operator_account.install(kubectl)
    for node, tier in zip(NODES, ("Device", "Edge"), strict=True):
        rest.apply("computenodes", a_compute_node(node.name, tier=tier))
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    rest.create("namespaces", {"metadata": {"name": "lab", "labels": labels}})
    models = tmp_path_factory.mktemp("models")
    models.chmod(0o777)
    _make_claim(rest, str(models))
    operators = Operators(kubectl, tmp_path_factory.mktemp("operator"))
    operators.start_leading()
    yield Place(TrainingJobs(rest, "lab"), kubectl, str(models))
    operators.end_all()


def _make_claim(rest: Rest, folder: str) -> None:
    """Make a claim on a folder of this machine, which all nodes share."""
    common = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    volume = {"capacity": {"storage": "1Gi"}, "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": folder}}
    rest.create("persistentvolumes", {"metadata": {"name": "models"}, "spec": {**common, **volume}})
    wanted = {**common, "volumeName": "models", "resources": {"requests": {"storage": "1Gi"}}}
    rest.create("persistentvolumeclaims", {"metadata": {"name": "models"}, "spec": wanted}, "lab")


def _spec(**more: Any) -> dict[str, Any]:
    workload = {"image": python_image.LEARNER_IMAGE, "resources": {"cpu": "50m", "memory": "384Mi"}}
    return {"workload": workload, "rounds": {"max": 3, "localEpochs": 5, "timeoutSeconds": 240}, "seed": 7, **more}


def test_three_clients_learn_together_and_leave_a_model(place: Place) -> None:
    place.jobs.apply(a_training_job("digits", **_spec()))
    place.jobs.await_condition("digits", "Placed", "True")

    def ended() -> dict[str, Any]:
        told = place.jobs.get("digits")["status"]
        assert any(c["type"] == "Complete" and c["status"] == "True" for c in told["conditions"]), told["roles"]
        return dict(told)

    try:
        told = eventually(ended, "the job is complete", PATIENCE_S)
    except AssertionError:
        print(_logs(place))
        raise
    assert told["result"]["accuracyBasisPoints"] >= 9000
    note = json.loads(_read(place, "digits/model.json"))
    assert note["digest"] == told["result"]["digest"]
    assert note["rounds"] == 3


def _read(place: Place, path: str) -> str:
    return Path(place.folder, path).read_text(encoding="utf-8")


def _logs(place: Place) -> str:
    command = ("logs", "--namespace", "lab", "--selector", "net4ai.io/job=digits", "--prefix", "--tail", "15")
    try:
        return place.kubectl("get", "pods", "--namespace", "lab", "-o", "wide") + place.kubectl(*command)
    except (AssertionError, subprocess.SubprocessError) as error:
        return str(error)
