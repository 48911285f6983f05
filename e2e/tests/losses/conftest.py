"""A cluster of its own for tests that lose nodes: there a silent node is soon NotReady."""

import secrets
from collections.abc import Iterator
from typing import Final

import operator_account
import pytest
from audit import Audit, Audits
from kubectl import Kubectl
from losing import MakePool
from operator_process import Operators, Replica
from pool import Pool
from rest import Rest
from services import Services

from cluster import api
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.parts import Options
from cluster.record import Provider

NAME: Final = "e2e-losses"
NODE_GRACE_S: Final = 6
"""Seconds until a silent node is NotReady; with the 50 of Kubernetes these tests would mostly wait."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster in which a silent node is soon NotReady; one that runs already is used and left running."""
    known = api.find(NAME)
    found_running = known is not None and api.runs(known)
    running = api.up(NAME, wish=Asked(provider=Provider.EMBEDDED), options=Options(node_grace_s=NODE_GRACE_S))
    try:
        operator_account.install_kinds(Kubectl(running))
        yield running
    finally:
        if not found_running:
            api.down(NAME)


@pytest.fixture(scope="session")
def kubectl(cluster: Cluster) -> Kubectl:
    """kubectl, bound to this cluster."""
    return Kubectl(cluster)


@pytest.fixture(scope="session")
def rest(cluster: Cluster) -> Rest:
    """The administrator's access to this cluster."""
    return Rest.to(cluster)


@pytest.fixture(scope="module")
def operators(
    kubectl: Kubectl, cluster: Cluster, audits: Audits, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operators]:
    """Starts the operator beside this cluster, under its own account."""
    operator_account.install(kubectl)
    audits.add(Audit(cluster.audit_log).from_now() if cluster.audit_log else None)
    running = Operators(kubectl, tmp_path_factory.mktemp("operator"))
    yield running
    running.end_all()


@pytest.fixture
def make_pool(cluster: Cluster, rest: Rest, operator: Replica) -> Iterator[MakePool]:
    """Makes nodes for one test, known to the operator; they go after it."""
    assert operator.alive
    made = list[Pool]()

    def make(size: int, gpus: int) -> Pool:
        made.append(Pool(cluster, rest, f"pool-{secrets.token_hex(3)}", size, gpus))
        made[-1].build()
        made[-1].await_seen()
        return made[-1]

    yield make
    for pool in made:
        pool.raze()


@pytest.fixture
def urgent(rest: Rest) -> Iterator[str]:
    """A PriorityClass above the default."""
    name = f"urgent-{secrets.token_hex(3)}"
    body = {"metadata": {"name": name}, "value": 1000, "preemptionPolicy": "Never"}
    rest.create("priorityclasses", body)
    yield name
    rest.delete("priorityclasses", name)


@pytest.fixture
def others(rest: Rest) -> Iterator[Services]:
    """The services of a second namespace."""
    name = f"e2e-{secrets.token_hex(4)}"
    rest.create("namespaces", {"metadata": {"name": name}})
    yield Services(rest, name)
    rest.delete("namespaces", name)
