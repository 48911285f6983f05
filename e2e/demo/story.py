"""What the demo shows once it is up: placements, one of them explained, and what to try next."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console, Group
from rich.text import Text

from aif.cli import live
from aif.cli.explain import view as explanation_view
from aif.cli.live import Access
from aif.cli.moves import moves
from aif.cli.moves import view as moves_view
from aif.cli.simulation import placements
from cluster.api import Cluster
from demo.record import Nodes
from demo.traffic import SLOWDOWN
from demo.up import Standing

EXPLAINED = "roadside"
_UNPLACED = "tactile"


def tell(standing: Standing, console: Console) -> None:
    """Print the placements as the cluster has them, one explanation, and commands to go on with."""
    cluster = standing.cluster
    access = Access(cluster.kubeconfig or "", cluster.context or "", standing.namespace)
    _, services = live.network(access)
    mine = sorted((s for s in services if s.metadata.namespace == standing.namespace), key=lambda s: s.metadata.name)
    explained = next((service for service in mine if service.metadata.name == EXPLAINED), mine[0])
    console.print(_heading("Placements"), placements.listing(mine, console.width))
    console.print(_heading(f"aif explain {explained.metadata.name}"))
    console.print(explanation_view.view(explained, console))
    if moved := [service for service in mine if service.status.migrations]:
        console.print(_heading(f"aif history {moved[0].metadata.name}"))
        console.print(moves_view.table(moves.over(moved[0].status.migrations)))
    console.print(_heading("Try next"), Group(*map(Text, next_steps(standing))), soft_wrap=True)


def _heading(text: str) -> Text:
    return Text(f"\n── {text} ──\n", style="bold")


def next_steps(standing: Standing) -> Iterator[str]:
    """Yield commands that work in this cluster, each with what it shows."""
    yield from _environment(standing.cluster)
    told = list(_commands(f" -n {standing.namespace}" if standing.namespace != "default" else "", standing))
    width = max(len(command) for command, what in told if what)
    yield from (f"{command:<{width}}  # {what}" if what else command for command, what in told)


def _commands(inside: str, standing: Standing) -> Iterator[tuple[str, str]]:
    yield f"kubectl get aiservices,computenodes{inside} -o wide", ""
    if standing.nodes is Nodes.SIMULATED:
        yield f"aif explain {_UNPLACED}{inside}", "why it finds no place, and by how much"
    yield "aif nodes", "what is free, and who is where"
    if standing.measured:
        yield f"aif top services{inside} --watch", "what is measured of what was promised, who moves"
        yield f"aif migrate {EXPLAINED}{inside} --dry-run", "where else it could go"
        yield f"aif migrate {EXPLAINED}{inside}", "move it there while it serves"
        yield from _mending(standing)
    yield "kubectl explain aiservice.spec.qos.latency", ""
    yield f"kubectl apply{inside} -f manifests/samples/aiservice-minimal.yaml && aif explain minimal{inside}", ""
    yield f"kubectl delete{inside} aiservice {EXPLAINED}", "its Deployment and Service go with it"
    yield "make demo-down", "end just what was started here"


def _mending(standing: Standing) -> Iterator[tuple[str, str]]:
    """Yield what makes slowed nodes fast again."""
    if standing.nodes is Nodes.SIMULATED:
        yield f"kubectl annotate node --all {SLOWDOWN}-", "all nodes are fast again"
        return
    command = f"(cd e2e && {sys.executable} -m cluster slow-node ran-1 --reset --name {standing.cluster.name})"
    yield command, "ran-1 is fast again"


def _environment(cluster: Cluster) -> Iterator[str]:
    if cluster.kubeconfig is not None:
        yield f"export KUBECONFIG={shlex.quote(cluster.kubeconfig)}"
    folders = [Path(sys.executable).parent, *([cluster.kubectl.parent] if cluster.kubectl else [])]
    yield f'export PATH={":".join(shlex.quote(str(folder)) for folder in folders)}:"$PATH"'
