"""The command line: python -m cluster up | down | status | kubeconfig | env | build | clean, and real_cli's."""

from __future__ import annotations

import os
import shlex
import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cluster import api, choose, embedded, real_cli, record
from cluster.build import ensure
from cluster.errors import ClusterError
from cluster.parts import Options
from cluster.paths import Folders
from cluster.progress import Steps
from cluster.real.machine import RealNode, parse_all
from cluster.record import Provider
from cluster.status import Phase, as_json, as_table, as_yaml, complaints, files, inspect
from cluster.tools import DEFAULT_KUBERNETES

app = typer.Typer(
    name="cluster",
    help="A real Kubernetes control plane on this machine, with simulated nodes, or with real ones.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Output(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


Nodes = Annotated[
    str,
    typer.Option(
        envvar="NODES",
        help="`simulated`, `real` for three real ones, or NAME:tier=Edge,gpus=1,cpus=0.5,rate=100mbit and more such.",
    ),
]
Name = Annotated[str, typer.Option(help="Which cluster; several can run side by side.")]
_DEFAULTS = Options()


@app.command()
def up(
    name: Name = api.DEFAULT_NAME,
    provider: Annotated[Provider | None, typer.Option(help="Default: given, kind or embedded, in this order.")] = None,
    kubeconfig: Annotated[str | None, typer.Option(help="Use this cluster; KUBECONFIG does the same.")] = None,
    context: Annotated[str | None, typer.Option(help="Use the cluster of this context.")] = None,
    kubernetes: Annotated[str | None, typer.Option(help=f"Embedded version; default {DEFAULT_KUBERNETES}.")] = None,
    node_grace: Annotated[
        int | None,
        typer.Option(min=4, help=f"Seconds until a silent node is NotReady; default {_DEFAULTS.node_grace_s}."),
    ] = None,
    eviction: Annotated[
        int | None,
        typer.Option(min=0, help=f"Seconds until its pods are evicted then; default {_DEFAULTS.eviction_s}."),
    ] = None,
    nodes: Nodes = "simulated",
) -> None:
    """Start the cluster, or find it running."""
    console = Console()
    real = parse_all(nodes)
    # Beside kind and a cluster of the user's own there is no place for them.
    wish = choose.asked(os.environ, kubeconfig, context, provider or (Provider.EMBEDDED if real else None))
    with Steps(console) as steps:
        cluster = api.up(name, wish=wish, options=_options(kubernetes, node_grace, eviction, real), steps=steps)
    if cluster.provider is Provider.GIVEN:
        console.print("Using the cluster of the given kubeconfig; nothing was started.", soft_wrap=True)
        return
    typer.echo(f"Cluster {name} is up ({cluster.provider}). To use it with kubectl:")
    for line in _exports(cluster):
        typer.echo(f"  {line}")


def _options(
    kubernetes: str | None, node_grace: int | None, eviction: int | None, real: tuple[RealNode, ...]
) -> Options | None:
    """The options that were given; None where none was, so that a running cluster is taken as it is."""
    if kubernetes is None and node_grace is None and eviction is None and not real:
        return None
    return Options(
        kubernetes=kubernetes or _DEFAULTS.kubernetes,
        node_grace_s=_DEFAULTS.node_grace_s if node_grace is None else node_grace,
        eviction_s=_DEFAULTS.eviction_s if eviction is None else eviction,
        real=real,
    )


@app.command()
def down(
    name: Name = api.DEFAULT_NAME,
    every: Annotated[bool, typer.Option("--all", help="All clusters that `up` started.")] = False,  # noqa: FBT002 - typer makes an option of it
) -> None:
    """End what `up` started, and nothing else; the logs stay."""
    folders = Folders.of(os.environ)
    for one in record.names(folders) if every else [name]:
        ended = api.down(one, folders=folders)
        typer.echo(f"Cluster {one} is down." if ended else f"Nothing was started under the name {one}.")


@app.command()
def status(
    name: Name = api.DEFAULT_NAME,
    output: Annotated[Output, typer.Option("--output", "-o", help="Format.")] = Output.TABLE,
) -> None:
    """Show the parts of a cluster; ends with 0 only where it is ready."""
    found = inspect(_existing(name))
    match output:
        case Output.JSON:
            typer.echo(as_json(found))
        case Output.YAML:
            typer.echo(as_yaml(found))
        case Output.TABLE:
            console = Console(soft_wrap=True, highlight=False)
            console.print(f"Cluster {found.name} ({found.provider}): {found.phase}")
            console.print(as_table(found))
            for what, where in files(found):
                console.print(f"{what}: {where}")
    for complaint in complaints(found):
        typer.echo(complaint, err=True)
    raise typer.Exit(0 if found.phase is Phase.READY else 1)


@app.command()
def kubeconfig(
    name: Name = api.DEFAULT_NAME,
    content: Annotated[bool, typer.Option("--print", help="The content in place of the path.")] = False,  # noqa: FBT002 - typer makes an option of it
) -> None:
    """Print the path of the administrator's kubeconfig."""
    path = str(_existing(name).kubeconfig)
    typer.echo(Path(path).read_text().rstrip() if content else path)


@app.command()
def build(
    kubernetes: Annotated[str, typer.Option(help="Version of the embedded cluster.")] = DEFAULT_KUBERNETES,
    nodes: Nodes = "simulated",
) -> None:
    """Build the programs that are missing in the cache, and start nothing."""
    with Steps(Console()) as steps:
        wanted = Options(kubernetes=kubernetes, real=parse_all(nodes))
        binaries = ensure(embedded.families(wanted), Folders.of(os.environ), steps)
    for program, path in binaries.paths.items():
        typer.echo(f"{program}: {path}")


@app.command()
def clean() -> None:
    """Remove the cached programs, and the Go that was brought along with its caches."""
    folders = Folders.of(os.environ)
    started = record.names(folders)
    if started:
        raise ClusterError(
            f"clusters still use the programs ({', '.join(started)}): run `python -m cluster down --all`"
        )
    for folder in (folders.binaries, folders.go):
        shutil.rmtree(folder, ignore_errors=True)
        typer.echo(f"Removed {folder}")


@app.command()
def env(name: Name = api.DEFAULT_NAME) -> None:
    """Print shell lines that set KUBECONFIG, and put the matching kubectl first on the PATH."""
    for line in _exports(_existing(name)):
        typer.echo(line)


def _exports(cluster: api.Cluster) -> list[str]:
    lines = [f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}"]
    if cluster.kubectl is not None:
        lines.append(f'export PATH={shlex.quote(str(cluster.kubectl.parent))}:"$PATH"')
    return lines


def _existing(name: str) -> api.Cluster:
    cluster = api.find(name)
    if cluster is None:
        known = ", ".join(record.names(Folders.of(os.environ))) or "none"
        raise ClusterError(
            f"no cluster {name!r} was started here (started: {known}): run `python -m cluster up --name {name}`"
        )
    return cluster


real_cli.register(app)


def main() -> None:
    """Run the command line; what a user can act on is one message, no traceback."""
    try:
        app()
    except ClusterError as error:
        Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(f"error: {error}")
        raise SystemExit(1) from None
