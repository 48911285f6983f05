"""Prometheus and the traffic that it scrapes, as processes of this machine."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import yaml

from cluster import ports, prometheus
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.health import await_fact, last_lines
from cluster.paths import Folders
from cluster.process import find, spawn, stop
from demo.record import Files, Measuring

_PATIENCE_S: Final = 60.0
_END_S: Final = 10.0


def alive(measuring: Measuring | None) -> bool:
    """Whether both are still at work."""
    return measuring is not None and all(find(part) for part in (measuring.prometheus, measuring.exporter))


def start(cluster: Cluster, namespace: str, folders: Folders, files: Files, before: Measuring | None) -> Measuring:
    """Start both, under the addresses of ``before`` where there is one: an operator may know them.

    Raises ToolMissing: no Prometheus is there, and none can be had.
    """
    programs = prometheus.provide(folders, os.environ.get("PATH"))
    end(before)
    chosen = ports.choose(("prometheus", "exporter"), ())
    port, exporter_port = (before.port, before.exporter_port) if before else chosen.values()
    files.folder.mkdir(parents=True, exist_ok=True)
    config = files.folder / "prometheus.yaml"
    config.write_text(yaml.safe_dump(_scraping(exporter_port)), encoding="utf-8")
    words = [cluster.kubeconfig or "", cluster.context or "", namespace, str(exporter_port)]
    exporter = spawn([*_environment(), sys.executable, "-m", "demo.exporter", *words], files.log_of("exporter"))
    server = spawn(
        [
            str(programs.prometheus),
            f"--config.file={config}",
            f"--storage.tsdb.path={files.folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        files.log_of("prometheus"),
    )
    started = Measuring(server, exporter, port, exporter_port)
    await_fact(lambda: _ready(started), lambda: _late(files), _PATIENCE_S)
    return started


def _scraping(port: int) -> Mapping[str, Any]:
    """What Prometheus is told: look every second at what stands for all servers, with the labels that it gives."""
    job = {"job_name": "services", "scrape_interval": "1s", "scrape_timeout": "1s", "honor_labels": True}
    return {"scrape_configs": [{**job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]}


def _environment() -> list[str]:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return ["env", f"PYTHONPATH={path}", "PYTHONSAFEPATH=1"]


def _ready(started: Measuring) -> bool:
    if not alive(started):
        raise ClusterError("Prometheus or the traffic ended by itself; their logs lie beside the operator's")
    connection = http.client.HTTPConnection("127.0.0.1", started.port, timeout=1)
    try:
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _late(files: Files) -> ClusterError:
    said = "\n".join(last_lines(files.log_of("prometheus")))
    return ClusterError(f"Prometheus does not answer after {_PATIENCE_S:.0f} s:\n{said}")


def end(measuring: Measuring | None) -> None:
    """End both."""
    if measuring is not None:
        stop([measuring.prometheus, measuring.exporter], _END_S)
