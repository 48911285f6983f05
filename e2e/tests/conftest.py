"""The cluster that the end-to-end tests share: the user's own, kind, or an embedded one, with the kinds installed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import network as networks
import operator_account
import pytest
from admission import Admission
from audit import Audit, Audits
from kubectl import Kubectl
from operator_process import Operators, Replica
from rest import Rest, path_of
from services import Services

from cluster import api
from cluster.api import Cluster


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let several runs go side by side, each with a cluster of its own, and look at them together in the end."""
    group = parser.getgroup("end-to-end tests")
    group.addoption(
        "--cluster",
        default="e2e",
        help="name of the cluster; one that runs already is used and left running: quicker for whoever works on tests",
    )
    group.addoption("--audits", type=Path, help="folder that gathers what the audit logs of several runs tell")


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """A running cluster in which the CustomResourceDefinitions are installed."""
    name = str(pytestconfig.getoption("--cluster"))
    found_running = (known := api.find(name)) is not None and api.runs(known)
    running = api.up(name)
    try:
        operator_account.install_kinds(Kubectl(running))
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


@pytest.fixture(scope="session")
def rest(cluster: Cluster) -> Rest:
    """The administrator's access to the API server."""
    return Rest.to(cluster)


@pytest.fixture(scope="session")
def network(cluster: Cluster, rest: Rest) -> Iterator[None]:
    """Simulated nodes, and ComputeNodes that speak for them."""
    networks.build(cluster, rest)
    yield
    networks.raze(cluster, rest)


@pytest.fixture(scope="session")
def audits(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Audits:
    """The audit logs of all clusters of this run, and of those beside it, each from the first replica on."""
    folder: Path | None = pytestconfig.getoption("--audits")
    if folder is None:
        return Audits(tmp_path_factory.mktemp("audit"))
    folder.mkdir(parents=True, exist_ok=True)
    return Audits(folder)


@pytest.fixture(scope="session")
def operators(
    kubectl: Kubectl,
    network: None,
    cluster: Cluster,
    audits: Audits,
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> Iterator[Operators]:
    """Starts replicas of the operator, with its own account and rights, beside the cluster."""
    del network  # it must be there first
    operator_account.install(kubectl)
    audits.add(Audit(cluster.audit_log).from_now() if cluster.audit_log else None)
    running = pytestconfig.stash[_RUNNING] = Operators(kubectl, tmp_path_factory.mktemp("operator"))
    yield running
    running.end_all()


@pytest.fixture(scope="module")
def operator(operators: Operators) -> Iterator[Replica]:
    """One replica that leads, for all tests of a module."""
    replica = operators.start_leading()
    yield replica
    assert replica.alive, f"the operator ended by itself, with {replica.process.returncode}"
    code, _ = replica.end()
    assert code == 0, f"the operator ended with {code}"


@pytest.fixture
def services(rest: Rest) -> Iterator[Services]:
    """AIServices in a namespace of the test's own, which enforces the restricted profile."""
    name = f"e2e-{secrets.token_hex(4)}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    rest.create("namespaces", {"metadata": {"name": name, "labels": labels}})
    yield Services(rest, name)
    # First the services: what they hold is free before the next test, and not only once the namespace is gone.
    rest.send("DELETE", path_of("aiservices", "", name))
    rest.delete("namespaces", name)


@pytest.fixture(scope="session")
def audit(cluster: Cluster) -> Audit:
    """The API server's audit log; only an embedded cluster keeps one."""
    if cluster.audit_log is None:
        pytest.skip("this cluster keeps no audit log; the embedded one does")
    return Audit(cluster.audit_log)


_RUNNING = pytest.StashKey[Operators]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Quote the operators' logs beside a failure."""
    report: pytest.TestReport = yield  # type: ignore[assignment]  # pytest sends what the next hook returned
    if report.failed and (running := item.config.stash.get(_RUNNING, None)) is not None:
        report.sections.append(("operator", running.tails()))
    return report  # type: ignore[return-value]
