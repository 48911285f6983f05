"""What tests of training jobs share."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from rest import Rest, path_of
from training_jobs import TrainingJobs, make_claim


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
