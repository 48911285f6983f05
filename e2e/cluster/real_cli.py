"""The verbs of the command line for real nodes: python -m cluster kill-node | freeze-node | slow-link | exec | ..."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cluster import api
from cluster.errors import ClusterError
from cluster.paths import Folders
from cluster.progress import Step, Steps
from cluster.real.machine import bits_per_second, cpu_share
from cluster.real.verbs import RealNodes


class Image(StrEnum):
    """The images that this project makes."""

    OPERATOR = "operator"
    PYTHON = "python"
    RUNTIME = "runtime"
    LEARNER = "learner"


Cluster = Annotated[str, typer.Option("--name", help="Which cluster.")]
Node = Annotated[str, typer.Argument(help="The real node.")]
Reset = Annotated[bool, typer.Option("--reset", help="Back to what the node was started with.")]


def _nodes(name: str) -> RealNodes:
    return RealNodes(name, Folders.of(os.environ))


def kill_node(node: Node, name: Cluster = api.DEFAULT_NAME) -> None:
    """End all of a real node at once, as a power cut does."""
    _nodes(name).kill(node)
    typer.echo(f"Node {node} is dead; `start-node {node}` starts it again.")


def start_node(node: Node, name: Cluster = api.DEFAULT_NAME) -> None:
    """Start a killed node again, with the disk that it had."""
    with Steps(Console()) as steps:
        _nodes(name).start(node, steps)
    typer.echo(f"Node {node} is Ready.")


def freeze_node(node: Node, name: Cluster = api.DEFAULT_NAME) -> None:
    """Let every process of a real node stand still, as a machine that hangs."""
    _nodes(name).freeze(node)
    typer.echo(f"Node {node} stands still; `thaw-node {node}` lets it go on.")


def thaw_node(node: Node, name: Cluster = api.DEFAULT_NAME) -> None:
    """Let a frozen node go on."""
    _nodes(name).freeze(node, frozen=False)
    typer.echo(f"Node {node} goes on.")


def slow_node(
    node: Node,
    cpus: Annotated[str | None, typer.Option(help="CPUs for all its pods together, such as 0.2.")] = None,
    reset: Reset = False,  # noqa: FBT002 - typer makes an option of it
    name: Cluster = api.DEFAULT_NAME,
) -> None:
    """Make the pods of a real node slow, by a quota of the CPU."""
    share = None if cpus is None else cpu_share(cpus)
    _require_one("--cpus", share is not None, reset)
    _nodes(name).slow(node, share)
    typer.echo(f"The pods of {node} have {'the CPUs that they had at first' if share is None else f'{share:g} CPUs'}.")


def slow_link(
    node: Node,
    rate: Annotated[str | None, typer.Option(help="Such as 500kbit, 10mbit or 1gbit, in each direction.")] = None,
    reset: Reset = False,  # noqa: FBT002 - typer makes an option of it
    name: Cluster = api.DEFAULT_NAME,
) -> None:
    """Limit the link between a real node and all others."""
    _require_one("--rate", rate is not None, reset)
    if rate is not None:
        bits_per_second(rate)
    _nodes(name).slow_link(node, rate)
    typer.echo(f"The link of {node} has {'the rate that it had at first' if rate is None else rate}.")


def execute(
    command: Annotated[list[str], typer.Argument(help="The command, after `--`.")],
    node: Annotated[str | None, typer.Option(help="In the network of this node.")] = None,
    name: Cluster = api.DEFAULT_NAME,
) -> None:
    """Run a command where Services can be reached: in the network that joins the nodes, or in a node's."""
    line = _nodes(name).command(command, node)
    os.execvp(line[0], line)  # noqa: S606 - the command is the user's own


def build_image(
    image: Annotated[Image, typer.Argument(help="Which one.")],
    output: Annotated[Path | None, typer.Option(help="Write this file, an OCI layout, and load it nowhere.")] = None,
    name: Cluster = api.DEFAULT_NAME,
) -> None:
    """Make an image: the operator, the server, the learner, or Python alone; and import it into every real node."""
    from cluster.real import python_image  # noqa: PLC0415 - only this verb needs it

    write, tag = {
        Image.OPERATOR: (python_image.write_operator, python_image.OPERATOR_IMAGE),
        Image.PYTHON: (python_image.write_python, python_image.PYTHON_IMAGE),
        Image.RUNTIME: (python_image.write_runtime, python_image.RUNTIME_IMAGE),
        Image.LEARNER: (python_image.write_learner, python_image.LEARNER_IMAGE),
    }[image]
    target = output or Folders.of(os.environ).layout(name).root / "images" / f"{image}.tar"
    title = f"Make {tag}"
    with Steps(Console(), [Step(title, usually="10 to 60 s")]) as steps, steps.run(title):
        write(target)
    typer.echo(f"{target}: {target.stat().st_size / 2**20:.0f} MiB")
    if output is None:
        load_image(target, name)


def load_image(
    archive: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="OCI layout, or from `docker save`.")],
    name: Cluster = api.DEFAULT_NAME,
) -> None:
    """Import an image from a file into every real node that runs."""
    for node, said in _nodes(name).load(archive).items():
        typer.echo(f"{node}: {said}")


def prometheus(
    scrape: Annotated[int, typer.Option(min=1, help="Seconds between two looks at a service.")] = 1,
    name: Cluster = api.DEFAULT_NAME,
) -> None:
    """Start Prometheus beside the cluster: services, kubelets and the operator are found by the API server."""
    from cluster.real import monitoring  # noqa: PLC0415 - only this verb needs it

    with Steps(Console()) as steps:
        url = monitoring.start(name, Folders.of(os.environ), steps, scrape)
    typer.echo(f"Prometheus is ready: {url}")


def _require_one(option: str, given: bool, reset: bool) -> None:  # noqa: FBT001 - two options that exclude each other
    if given is reset:
        raise ClusterError(f"give either {option} or --reset")


_VERBS: dict[str, Callable[..., None]] = {
    "kill-node": kill_node,
    "start-node": start_node,
    "freeze-node": freeze_node,
    "thaw-node": thaw_node,
    "slow-node": slow_node,
    "slow-link": slow_link,
    "exec": execute,
    "build-image": build_image,
    "load-image": load_image,
    "prometheus": prometheus,
}


def register(app: typer.Typer) -> None:
    """Add these verbs to the command line."""
    for verb, action in _VERBS.items():
        app.command(verb)(action)
