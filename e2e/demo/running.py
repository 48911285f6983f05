"""The operator as a process of this machine, beside the cluster."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cluster.api import Cluster
from cluster.health import died
from cluster.process import ProcessIdentity, find, spawn, stop
from demo.record import Files

SYSTEM_NAMESPACE = "aif-system"
_PATIENCE_S = 20.0


def start(cluster: Cluster, files: Files, prometheus_url: str = "") -> ProcessIdentity:
    """Start the operator for this cluster with a fresh log; it measures contracts where there is a Prometheus."""
    files.log.unlink(missing_ok=True)
    return spawn([*_environment(cluster, prometheus_url), sys.executable, "-m", "aif"], files.log)


def _environment(cluster: Cluster, prometheus_url: str) -> list[str]:
    """A command that sets what the operator reads of its environment; `spawn` passes on nothing of ours."""
    variables = {
        "KUBECONFIG": cluster.kubeconfig or os.environ.get("KUBECONFIG", str(Path.home() / ".kube" / "config")),
        "AIF_CONTEXT": cluster.context or "",
        "AIF_NAMESPACE": SYSTEM_NAMESPACE,
        "AIF_HTTP_PORT": "0",
        "AIF_PROMETHEUS_URL": prometheus_url,
        "AIF_EVALUATION_SECONDS": "1",
        "PYTHONSAFEPATH": "1",
    }
    return ["env", *(f"{name}={value}" for name, value in variables.items())]


def require_alive(identity: ProcessIdentity, files: Files) -> None:
    """PartDied with its last log lines where the operator has ended."""
    if find(identity) is None:
        raise died("the operator", files.log)


def is_alive(identity: ProcessIdentity | None) -> bool:
    """Whether the operator that was started is still at work."""
    return identity is not None and find(identity) is not None


def end(identity: ProcessIdentity | None) -> None:
    """End what was started, the operator so that it can release its Lease."""
    if identity is not None:
        stop([identity], _PATIENCE_S)
