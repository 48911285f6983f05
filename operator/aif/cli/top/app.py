"""The commands `aif top ...`: who takes what, how services fare, how far jobs are."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated

import typer

from aif.cli.options import ContextOption, FilesOption, KubeconfigOption
from aif.cli.output import Output, OutputOption

top = typer.Typer(
    help="What nodes have and what is claimed of it; how services fare; how far training jobs are.",
    no_args_is_help=True,
)

_Watch = Annotated[bool, typer.Option("--watch", "-w", help="Look again every two seconds, until Ctrl-C.")]


@top.command()
def nodes(
    sort_by: Annotated[
        str,
        typer.Option(
            help="tier (default), name, services, or a resource such as cpu, memory, nvidia.com/gpu (largest share "
            "first)."
        ),
    ] = "",
    *,
    watch: _Watch = False,
    files: FilesOption = None,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """List what nodes have, what is claimed of it and what is free.

    With -f it lists those in these files, as they would be once the services in them are placed.
    """
    _require_one(files, output, watch=watch)
    _commands().top_of_nodes(files or [], (kubeconfig, context), sort_by, output, watch=watch)


@top.command()
def services(
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Default: that of the context.")] = "",
    *,
    everywhere: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Services of all namespaces.")] = False,
    sort_by: Annotated[str, typer.Option(help="name (default), node, score, cpu, memory, compute.")] = "",
    watch: _Watch = False,
    files: FilesOption = None,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """List what services ask for and where they are; what is measured of what was promised, alarms, moves under way.

    With -f it lists those in these files, as they would be once they are placed.
    """
    _require_one(files, output, watch=watch)
    chosen = (namespace, everywhere)
    _commands().top_of_services(files or [], (kubeconfig, context), chosen, sort_by, output, watch=watch)


@top.command()
def jobs(
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Default: that of the context.")] = "",
    *,
    everywhere: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Jobs of all namespaces.")] = False,
    sort_by: Annotated[str, typer.Option(help="name (default), state, remaining, traffic, energy.")] = "",
    watch: _Watch = False,
    files: FilesOption = None,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """List how far training jobs are: rounds, clients, accuracy, time left, traffic, energy, nodes.

    With -f it lists those in these files, by the status that stands there.
    """
    _require_one(files, output, watch=watch)
    chosen = (namespace, everywhere)
    _commands().top_of_jobs(files or [], (kubeconfig, context), chosen, sort_by, output, watch=watch)


def _require_one(files: list[str] | None, output: Output, *, watch: bool) -> None:
    if watch and (files or output is not Output.TABLE):
        raise typer.BadParameter("--watch shows tables of a cluster: leave out --filename and --output.")


def _commands() -> ModuleType:
    from aif.cli import commands  # noqa: PLC0415 - numpy loads slowly, and --help needs none

    return commands
