"""The control plane fails for a while; the operator goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import outages
import psutil
import pytest
from audit import Audit
from network import a_service
from operator_process import Operators, Replica
from rest import eventually
from services import Services

from cluster import api
from cluster.api import Cluster

NAMES = [f"plates-{number}" for number in range(4)]


def process_of(cluster: Cluster, part: str) -> psutil.Process:
    """Return the process of a part of the embedded cluster."""
    found = outages.process_of(cluster, part)
    if found is None:
        pytest.skip("only the parts of an embedded cluster can be stopped")
    return found


@pytest.fixture
def operator(operators: Operators) -> Iterator[Replica]:
    """A replica that leads, for one test."""
    replica = operators.start_leading()
    yield replica
    if replica.alive:
        replica.end()


@contextmanager
def frozen(process: psutil.Process) -> Iterator[None]:
    """Stop a process for a while, as a stalled disk or network does."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


def assert_works(services: Services, name: str) -> None:
    """Fail where a new service is not placed."""
    services.apply(a_service(name, on="edge-1"))
    services.await_ready(name, within_s=60)


@pytest.mark.parametrize("part", ["etcd", "kube-apiserver"])
def test_a_part_that_stalls_for_a_moment_is_survived(
    cluster: Cluster, operator: Replica, services: Services, audit: Audit, part: str
) -> None:
    for name in NAMES:
        services.apply(a_service(name, on="edge-1"))
    from_here = audit.from_now()
    with frozen(process_of(cluster, part)):
        time.sleep(5)
    services.await_ready(*NAMES, within_s=60)
    eventually(lambda: [len(services.copies(name)) for name in NAMES] == [1] * len(NAMES), "one copy each")
    assert_works(services, "late")
    assert operator.alive, "a stall shorter than the Lease ends nobody"
    created = [entry.name for entry in from_here.writes() if entry.kind == "deployments.apps" and entry.status == 201]
    assert len(created) == len(set(created))


def test_a_restarted_api_server_finds_everything_as_it_was(
    cluster: Cluster, operator: Replica, operators: Operators, services: Services, audit: Audit
) -> None:
    services.apply(a_service("plates", on="edge-1"))
    services.await_ready("plates")
    before = services.copies("plates")[0]["metadata"]["uid"]
    from_here, lists = audit.from_now(), operator.metric("aif_relists_total")
    process_of(cluster, outages.API_SERVER)
    outages.kill(cluster, outages.API_SERVER)
    api.up(cluster.name)
    if operator.alive:
        assert_works(services, "late")
        assert (operator.metric("aif_relists_total") or 0) > (lists or 0), "what it knew is too old for the new server"
    else:
        # Away for longer than a renewal of the Lease: the process ends, and is started again as by its Deployment.
        assert operator.process.returncode == 1
        revived = operators.start_leading()
        assert_works(services, "late")
        revived.end()
    assert [copy["metadata"]["uid"] for copy in services.copies("plates")] == [before]
    wrote = [str(entry) for entry in from_here.writes() if entry.namespace == services.namespace]
    assert [line for line in wrote if "/plates" in line] == [], "nothing is written of what did not change"
