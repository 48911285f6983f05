"""What tests of training jobs share."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
import real_machine
from learning_place import Place, a_place
from rest import Rest, path_of
from training_jobs import TrainingJobs, make_claim

from cluster import api
from cluster.parts import Options
from cluster.paths import Folders
from cluster.real.machine import DEFAULT_NODES

_REAL: Final = "real-learning"


@pytest.fixture
def jobs(rest: Rest) -> Iterator[TrainingJobs]:
    """TrainingJobs in a namespace of the test's own, which enforces the restricted profile and has a claim."""
    name = f"e2e-{secrets.token_hex(4)}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    rest.create("namespaces", {"metadata": {"name": name, "labels": labels}})
    make_claim(rest, name)
    yield TrainingJobs(rest, name)
    rest.send("DELETE", path_of("trainingjobs", "", name))
    rest.delete("namespaces", name)
    rest.delete("persistentvolumes", name)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Two real nodes of a CPU each, with the learner's image and an operator; all tests on real nodes share them."""
    folders = replace(Folders.of(os.environ), state=tmp_path_factory.mktemp("state") / "aif-operator")
    nodes = tuple(replace(node, cpus=1.0) for node in DEFAULT_NODES[:2])
    cluster = real_machine.bring_up(_REAL, Options(real=nodes), folders)
    try:
        tiers = tuple(zip(nodes, ("Device", "Edge"), strict=True))
        with a_place(cluster, tiers, folders, tmp_path_factory.mktemp("learning")) as made:
            yield made
    finally:
        api.down(_REAL, folders=folders)
