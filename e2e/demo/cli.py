"""The command line: python -m demo up | down."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Annotated

import typer
from rich.console import Console

from aif.cli.output import console, errors
from aif.errors import AifError
from cluster import choose
from cluster.errors import ClusterError
from cluster.locks import exclusive
from cluster.paths import Folders
from cluster.progress import Steps
from cluster.record import Provider
from demo import down as taking_down
from demo import manifests, real, story
from demo import up as bringing_up
from demo.record import Files, Nodes

app = typer.Typer(
    name="demo",
    help="A cluster, the operator and a small mobile network, with placements explained.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def up(
    provider: Annotated[Provider | None, typer.Option(help="Default: given, kind or embedded, in this order.")] = None,
    kubeconfig: Annotated[str | None, typer.Option(help="Use this cluster; KUBECONFIG does the same.")] = None,
    context: Annotated[str | None, typer.Option(help="Use the cluster of this context.")] = None,
    nodes: Annotated[
        Nodes, typer.Option(envvar="NODES", help="Real ones need root on Linux, and a cluster of the demo's own.")
    ] = Nodes.SIMULATED,
) -> None:
    """Bring the demo up, or find it up, and show it."""
    screen, files, folders = console(), Files.of(os.environ), Folders.of(os.environ)
    with _alone(files, screen), Steps(Console()) as steps:
        if nodes is Nodes.REAL:
            standing = real.up(folders, files, steps)
        else:
            wish = choose.asked(os.environ, kubeconfig, context, provider)
            standing = bringing_up.up(wish, manifests.load(), folders, files, steps)
    story.tell(standing, screen)


@app.command()
def down() -> None:
    """End just what `up` started; the operator's log stays."""
    screen, files = console(), Files.of(os.environ)
    with _alone(files, screen), Steps(Console()) as steps:
        ended = taking_down.down(Folders.of(os.environ), files, steps)
    screen.print("The demo is down." if ended else "The demo was not up.")


def _alone(files: Files, screen: Console) -> AbstractContextManager[None]:
    """Keep a second command on the demo waiting."""
    return exclusive(files.lock, on_wait=lambda: screen.print("Another command works on the demo; waiting"))


def main() -> None:
    """Run the command line; what a user can act on is one message, no traceback."""
    try:
        app()
    except (ClusterError, AifError) as error:
        errors().print(f"error: {error}", soft_wrap=True)
        raise SystemExit(1) from None
