"""The commands by which a person asks for something: `aif approve`, `aif migrate`, `aif abort`."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated

import typer

from aif.cli.options import ContextOption, KubeconfigOption, NamespaceOption
from aif.cli.output import Output, OutputOption

_Service = Annotated[str, typer.Argument(metavar="SERVICE", help="Name of the AIService.")]
_Watch = Annotated[bool, typer.Option("--watch/--no-watch", help="Show the move until it ends, or only ask for it.")]


def approve(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An AIService; or tj/NAME, a TrainingJob.")],
    namespace: NamespaceOption = "",
    token: Annotated[
        str, typer.Option(metavar="TOKEN", help="Approve only if this is still what is proposed; default: whatever is.")
    ] = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Let the operator do what it proposes for a service or a job: sets an annotation, which GitOps may do as well."""
    _commands().approve(name, token, (kubeconfig, context, namespace), output)


def migrate(
    service: _Service,
    namespace: NamespaceOption = "",
    to: Annotated[str, typer.Option(metavar="NODE", help="ComputeNode to move to; default: the best one.")] = "",
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be decided, and ask for nothing.")
    ] = False,
    watch: _Watch = True,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Move a service to another node while it serves, and show how that goes.

    Ctrl-C ends the watching, and not the move. Exit status: 0 moved; 1 refused, taken back, or an error; 4 it waits for
    a person's approval, or was not over in the time that the service allows a move.
    """
    access = (kubeconfig, context, namespace)
    if dry_run:
        status = _commands().preview(service, to, access, output)
    else:
        status = _commands().migrate(service, to, access, output, watch=watch)
    if status:
        raise typer.Exit(status)


def abort(
    service: _Service,
    namespace: NamespaceOption = "",
    *,
    watch: _Watch = True,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """End the move of a service: it goes on serving from where it was. No way back once the old copy drains.

    Exit status: 0 taken back; 1 the move came to its end all the same, or an error; 4 it was not over in the time that
    the service allows a move.
    """
    status = _commands().abort(service, (kubeconfig, context, namespace), output, watch=watch)
    if status:
        raise typer.Exit(status)


def _commands() -> ModuleType:
    from aif.cli.asking import commands  # noqa: PLC0415 - numpy loads slowly, and --help needs none

    return commands
