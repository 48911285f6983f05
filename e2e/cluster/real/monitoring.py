"""Prometheus beside a cluster with real nodes: a process of its own, configured as one in a pod would be.

What it scrapes and which rules it evaluates are the files that users take, manifests/monitoring. It finds pods and
nodes by the API server, with the token of a ServiceAccount and the rights of rights.yaml, and is reached where that is.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from cluster import health, ports, prometheus, record, supervise
from cluster.errors import ClusterError
from cluster.locks import exclusive
from cluster.parts import Health, Part
from cluster.paths import Folders, Layout
from cluster.process import run
from cluster.progress import Step, Steps
from cluster.real import standing
from cluster.record import ClusterRecord

NAME = "prometheus"
MANIFESTS = Path(__file__).parents[3] / "manifests" / "monitoring"

_ACCOUNT, _NAMESPACE, _TOKEN_LIFE = "prometheus", "monitoring", "168h"
_LEAST_KUBELET_S = 5
"""A kubelet looks at its containers every ten seconds or so: to ask it more often than this tells nothing new."""
_PATIENCE_S = 60.0
_OPEN = "Wait until Prometheus is ready"


@dataclass(frozen=True, slots=True)
class Access:
    """How Prometheus reaches the API server and kubelets: an address, and files with authority and token."""

    server: str
    authority: Path
    token: Path


def configuration(scrape: str, rules: Path, access: Access, scrape_seconds: int) -> dict[str, Any]:
    """Return the configuration: a user's scrape jobs, with what a pod would find in its own files set to `access`."""
    jobs = yaml.safe_load(scrape)["scrape_configs"]
    return {
        "global": {"scrape_interval": f"{scrape_seconds}s", "evaluation_interval": f"{scrape_seconds}s"},
        "rule_files": [str(rules)],
        "scrape_configs": [_job(job, access, scrape_seconds) for job in jobs],
    }


def _job(job: Mapping[str, Any], access: Access, scrape_seconds: int) -> dict[str, Any]:
    trust = {
        "tls_config": {"ca_file": str(access.authority)},
        "authorization": {"credentials_file": str(access.token)},
    }
    found = [{**each, "api_server": access.server, **trust} for each in job["kubernetes_sd_configs"]]
    by_kubelet = job.get("scheme") == "https"
    own = {**trust, "scrape_interval": f"{max(_LEAST_KUBELET_S, scrape_seconds)}s"} if by_kubelet else {}
    return {**job, "kubernetes_sd_configs": found, **own}


def start(name: str, folders: Folders, steps: Steps, scrape_seconds: int = 1) -> str:
    """Start Prometheus beside the cluster `name`, or find it running; its address.

    `down` ends it with the cluster. ClusterError where the cluster has no real nodes, or Prometheus does not come up.
    """
    layout = folders.layout(name)
    with exclusive(folders.lock(name)):
        known = record.load(layout)
        if known is None or not known.options.real:
            raise ClusterError(
                f"cluster {name!r} has no real nodes: run `python -m cluster up --nodes real --name {name}`"
            )
        if not supervise.runs(known, NAME):
            known = _start(known, layout, folders, steps, scrape_seconds)
        return f"http://{standing.addresses_of(known).machine}:{known.ports[NAME]}"


def _start(known: ClusterRecord, layout: Layout, folders: Folders, steps: Steps, scrape_seconds: int) -> ClusterRecord:
    programs = prometheus.provide(folders, os.environ.get("PATH"), kubernetes=True, steps=steps)
    known = _with_port(known, layout, folders)
    folder = layout.root / NAME
    folder.mkdir(mode=0o700, exist_ok=True)
    config = _write_configuration(known, layout, folder, scrape_seconds)
    checked = run([programs.promtool, "check", "config", config])
    if checked.code != 0:
        raise ClusterError(f"promtool refuses {config}: {checked.errors.strip() or checked.output.strip()}")
    address = standing.addresses_of(known).machine
    part = _part(programs.prometheus, config, folder, address, known.ports[NAME])
    part = replace(part, argv=standing.group_of(layout).below("control").enter(part.argv))
    version = ".".join(map(str, prometheus.version_of(programs.prometheus)))
    known = supervise.spawn_missing(known, [part], {NAME: f"v{version}"}, layout, steps)
    steps.extend([Step(_OPEN)])
    with steps.run(_OPEN):
        health.await_ready([each for each in known.parts if each.name == NAME], layout, _PATIENCE_S)
    return known


def _part(program: Path, config: Path, folder: Path, address: str, port: int) -> Part:
    argv = (
        str(program),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}:{port}",
        "--web.enable-lifecycle",
        "--log.level=warn",
    )
    return Part(NAME, argv, Health(port, "/-/ready", tls=False, host=address))


def _with_port(known: ClusterRecord, layout: Layout, folders: Folders) -> ClusterRecord:
    if NAME in known.ports:
        return known
    with exclusive(folders.ports_lock):
        chosen = ports.choose([NAME], record.taken_ports(folders))
        known = replace(known, ports={**known.ports, **chosen})
        record.save(layout, known)
    return known


def _write_configuration(known: ClusterRecord, layout: Layout, folder: Path, scrape_seconds: int) -> Path:
    """Give Prometheus its account, and write its token and configuration."""
    _kubectl(known, layout, "apply", "--server-side", "--force-conflicts", "-f", str(MANIFESTS / "rights.yaml"))
    token = _kubectl(known, layout, "create", "token", _ACCOUNT, "-n", _NAMESPACE, f"--duration={_TOKEN_LIFE}")
    held = folder / "token"
    held.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
    held.write_text(token.strip())
    server = f"https://{standing.addresses_of(known).machine}:{known.ports['kube-apiserver']}"
    access = Access(server, layout.certificates / "ca.crt", held)
    target = folder / "prometheus.yaml"
    text = (MANIFESTS / "scrape.yaml").read_text()
    content = configuration(text, MANIFESTS / "recording.yaml", access, scrape_seconds)
    target.write_text(yaml.safe_dump(content, sort_keys=False))
    return target


def _kubectl(known: ClusterRecord, layout: Layout, *arguments: str) -> str:
    done = run([known.kubectl, "--kubeconfig", layout.kubeconfig, *arguments])
    if done.code != 0:
        raise ClusterError(f"kubectl {' '.join(arguments)}: {done.errors.strip()}")
    return done.output
