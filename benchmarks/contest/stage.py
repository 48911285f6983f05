"""Where a contest takes place: API server and etcd of a real control plane, with nodes that are objects only."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import operator_account
import psutil
import yaml
from kubectl import Kubectl
from operator_account import NAMESPACE
from operator_process import Operators

from cluster import api
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.progress import Steps
from cluster.record import Provider
from contest import objects
from contest.loading import Loader

PEER: Final = "peer"
"""Account of all but the operator."""

CHILDREN: Final = ("deployments", "services", "poddisruptionbudgets", "events")
SERVERS: Final = ("kube-apiserver", "etcd")
_AT_REST: Final = ("kube-controller-manager", "kube-scheduler", "kwok")
_TOKEN_LIFE: Final = "6h"
_PATIENCE_S: Final = 1800.0
_PAUSE_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Stage:
    """A cluster whose controllers are paused, so that only the contestant makes it work."""

    cluster: Cluster
    loader: Loader
    operators: Operators
    folder: Path

    @property
    def audit_log(self) -> Path:
        """The API server's audit log: it tells what was written when."""
        assert self.cluster.audit_log is not None  # noqa: S101 - an embedded cluster keeps one
        return self.cluster.audit_log

    def process(self, part: str) -> psutil.Process:
        """Return the process of a part of the control plane."""
        return psutil.Process(self.cluster.part(part).identity.pid)

    def furnish(self, nodes: int) -> None:
        """Create Nodes and ComputeNodes."""
        self.loader.create("nodes", map(objects.node, range(nodes)))
        self.loader.untaint(map(objects.node_name, range(nodes)))
        self.loader.create("computenodes", map(objects.compute_node, range(nodes)))

    def add_namespace(self, name: str) -> None:
        """Create a namespace with the account that pods need."""
        kind = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.loader.create("namespaces", [kind])
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        self.loader.create("serviceaccounts", [account], name)

    def clear(self, namespace: str) -> None:
        """Remove what is in a namespace; nobody else does, as the garbage collector is paused."""
        self.loader.clear(namespace, ("aiservices", "pods", *CHILDREN[:1], *CHILDREN[2:]))
        names = [f"service-{number:05}" for number in range(self.loader.count("services", namespace))]
        if names:
            self.loader.remove("services", names, namespace)

    @contextlib.contextmanager
    def awake(self, part: str) -> Iterator[None]:
        """Let a paused part of the control plane run for a while."""
        self.process(part).resume()
        try:
            yield
        finally:
            self.process(part).suspend()


@contextlib.contextmanager
def stage(name: str, nodes: int, steps: Steps) -> Iterator[Stage]:
    """Yield a stage with that many nodes; all of it ends with the contest."""
    with steps.run("Start the control plane"):
        cluster = api.up(name, wish=Asked(provider=Provider.EMBEDDED))
    try:
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
            kubectl = Kubectl(cluster)
            operator_account.install_kinds(kubectl)
            operator_account.install(kubectl)
            kubectl("create", "serviceaccount", PEER, "--namespace", NAMESPACE)
            subject = f"--serviceaccount={NAMESPACE}:{PEER}"
            kubectl("create", "clusterrolebinding", PEER, "--clusterrole=cluster-admin", subject)
            here = Stage(cluster, Loader.to(cluster), Operators(kubectl, Path(folder)), Path(folder))
            for part in _AT_REST:
                here.process(part).suspend()
            with steps.run(f"Create {nodes} nodes"):
                here.furnish(nodes)
            try:
                yield here
            finally:
                here.operators.end_all()
                for part in _AT_REST:
                    here.process(part).resume()
    finally:
        api.down(name)


def peer_kubeconfig(here: Stage) -> Path:
    """Write the kubeconfig of the peers' account."""
    path = here.folder / f"{PEER}.kubeconfig"
    kubectl = here.operators.kubectl
    known: Any = yaml.safe_load(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "yaml"))
    token = kubectl("create", "token", PEER, "--namespace", NAMESPACE, "--duration", _TOKEN_LIFE).strip()
    context = {"cluster": known["clusters"][0]["name"], "user": PEER}
    users = {"users": [{"name": PEER, "user": {"token": token}}]}
    contexts = {"contexts": [{"name": PEER, "context": context}], "current-context": PEER}
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump({**known, **users, **contexts}))
    return path


def await_count(here: Stage, plural: str, namespace: str, count: int, watch: Callable[[int], None]) -> None:
    """Wait until there are so many objects of a kind.

    Raises:
        TimeoutError: There are not within half an hour.
    """
    end = time.monotonic() + _PATIENCE_S
    while (found := here.loader.count(plural, namespace)) < count:
        watch(found)
        if time.monotonic() > end:
            raise TimeoutError(f"{found} of {count} {plural} in {namespace}")
        time.sleep(_PAUSE_S)


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """Return what these processes have computed so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)
