"""The cluster that the end-to-end tests share: the user's own, kind, or an embedded one, with the kinds installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from admission import Admission
from documents import ROOT
from kubectl import Kubectl

from cluster import api
from cluster.api import Cluster

NAME = "e2e"
"""A cluster of this name that runs already is used and left running: quicker for whoever works on the tests."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running cluster in which the CustomResourceDefinitions are installed."""
    found_running = (known := api.find(NAME)) is not None and api.runs(known)
    running = api.up(NAME)
    try:
        _install_kinds(Kubectl(running))
        yield running
    finally:
        if not found_running:
            api.down(running.name)


@pytest.fixture(scope="session")
def kubectl(cluster: Cluster) -> Kubectl:
    """kubectl, bound to the cluster."""
    return Kubectl(cluster)


@pytest.fixture(scope="session")
def admission(cluster: Cluster) -> Admission:
    """The admission of the API server, asked by dry runs."""
    return Admission(cluster)


def _install_kinds(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(ROOT / "crds"))
