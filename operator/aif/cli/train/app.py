"""The commands `aif train ...`: how far a training job is, what its roles say, and how it learned."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated

import typer

from aif.cli.options import ContextOption, FilesOption, KubeconfigOption, NamespaceOption, PlotOption
from aif.cli.output import Output, OutputOption

train = typer.Typer(
    help="How far a training job is, what its roles say, and how it learned.",
    no_args_is_help=True,
)

_Job = Annotated[str, typer.Argument(metavar="JOB", help="Name of the TrainingJob.")]
_Live = Annotated[
    bool,
    typer.Option(
        "--live", help="Ask the aggregator or trainer itself, through the API server: newer, and with all metrics."
    ),
]


@train.command()
def status(
    job: _Job,
    namespace: NamespaceOption = "",
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it until the job has come to its end.")] = False,
    live: _Live = False,
    files: FilesOption = None,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show how far a training job is: rounds, clients, accuracy, traffic, energy, roles with nodes, and what is amiss.

    With -f it reads the job, with its status, from files, such as from `kubectl get tj JOB -o yaml`. Exit status with
    --watch: 0 complete, 1 failed.
    """
    _require_cluster(files, alone=watch or live)
    code = _commands().status(job, files or [], (kubeconfig, context, namespace), output, live=live, watch=watch)
    if code:
        raise typer.Exit(code)


@train.command()
def logs(
    job: _Job,
    namespace: NamespaceOption = "",
    role: Annotated[
        list[str] | None, typer.Option("--role", help="Only this role, such as aggregator or client; repeatable.")
    ] = None,
    tail: Annotated[int, typer.Option("--tail", min=-1, help="Last lines of each pod; -1 for all.")] = 50,
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Print lines as they come, until the job's end.")] = False,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Print what the roles of a training job say, by their time, each line behind its role."""
    if follow and output is not Output.TABLE:
        raise typer.BadParameter("--follow prints lines as they come: leave out --output.")
    _logs().logs(job, (kubeconfig, context, namespace), role or [], tail, output, follow=follow)


@train.command()
def plot(
    job: _Job,
    namespace: NamespaceOption = "",
    metric: Annotated[
        str,
        typer.Option(help="accuracy (default), or what the aggregator or trainer itself tells, such as loss."),
    ] = "accuracy",
    picture: PlotOption = "",
    files: FilesOption = None,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Draw the accuracy of a training job by round: in the terminal, and as a picture where --plot names a file.

    With -f it reads the job, with its status, from files. The status holds the accuracy of up to 64 rounds; for another
    metric the pod itself is asked, through the API server.
    """
    access, drawn = (kubeconfig, context, namespace), (metric, picture)
    _commands().plot(job, files or [], access, drawn, output)


def _require_cluster(files: list[str] | None, *, alone: bool) -> None:
    if alone and files:
        raise typer.BadParameter("--watch and --live look at a cluster: leave out --filename.")


def _commands() -> ModuleType:
    from aif.cli.train import commands  # noqa: PLC0415 - the kinds load slowly, and --help needs none

    return commands


def _logs() -> ModuleType:
    from aif.cli.train import logs as reading  # noqa: PLC0415 - the client for Kubernetes loads slowly

    return reading
