"""The command line: its commands, options and exit status.

Exit status: 0 done, 1 an error, a move that was refused or taken back, or a recorded decision that is another one now,
2 wrong usage, 3 (`simulate --strict`) a service finds no place, 4 a move that waits for approval, or was not over in
time.
"""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from types import ModuleType
from typing import Annotated

import typer

from aif import __version__
from aif.api.base import API_VERSION
from aif.cli.asking import app as asking
from aif.cli.kpi.app import kpi
from aif.cli.options import ContextOption, FilesOption, KubeconfigOption, NamespaceOption
from aif.cli.output import Output, OutputOption, errors, show
from aif.cli.plan.app import plan
from aif.cli.top.app import top
from aif.cli.train.app import train
from aif.errors import AifError


class Status(IntEnum):
    """How the command line ends."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    UNPLACED = 3
    UNFINISHED = 4
    INTERRUPTED = 130


app = typer.Typer(
    help="Where AI services run on a computing-power network, and why.",
    epilog="Exit status: 0 done; 1 error, or a recorded decision is another one now; 2 wrong usage; "
    "3 simulate --strict left a service without a place; 4 a move waits for approval, or was not over in time. "
    "A move that was refused or taken back counts as an error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(kpi, name="kpi")
app.add_typer(plan, name="plan")
app.add_typer(top, name="top")
app.add_typer(train, name="train")
app.command()(asking.approve)
app.command()(asking.migrate)
app.command()(asking.abort)


@app.command()
def simulate(
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help="More files, or the folder of a recording.")
    ] = None,
    files: FilesOption = None,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 where a service finds no place.")] = False,
    service: Annotated[str, typer.Option(help="Of a recording: only decisions about this AIService.")] = "",
    node: Annotated[str, typer.Option(help="Of a recording: only decisions that took this ComputeNode.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what would be placed where, without a cluster.

    Reads AIServices and ComputeNodes, and Nodes and Pods where they are given. A ComputeNode without its Node gets one
    that is ready and empty. Services are decided one after the other, as they stand in the files.

    Given the folder that an operator recorded into (AIF_RECORD), makes each recorded decision again with the present
    code, and exits 1 where one comes out otherwise.
    """
    named = [*(files or []), *(more or [])]
    if not named:
        raise typer.BadParameter("name files with AIServices and ComputeNodes, such as -f manifests/samples.")
    if len(named) == 1 and _commands().is_recording(named[0]):
        if not _commands().replay(named[0], service, node, output):
            raise typer.Exit(Status.ERROR)
        return
    if service or node:
        raise typer.BadParameter("--service and --node choose from a recording: name its folder, and nothing else.")
    if not _commands().simulate(named, output) and strict:
        raise typer.Exit(Status.UNPLACED)


@app.command()
def explain(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Name of the AIService.")],
    namespace: NamespaceOption = "",
    files: FilesOption = None,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Explain where a service runs, and what to do where it runs nowhere.

    With -f it explains what would be decided about the service in these files, without a cluster.
    """
    _commands().explain(service, namespace, files or [], (kubeconfig, context), output)


@app.command()
def nodes(
    files: FilesOption = None,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """List the compute nodes: devices, what is free, who is there, and why one cannot be used.

    With -f it lists those in these files, as they would be once the services in them are placed.
    """
    _commands().list_nodes(files or [], (kubeconfig, context), output)


@app.command()
def history(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Name of the AIService.")],
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Tell what happened to a service: decisions, moves and refusals with their times, the newest last."""
    _commands().tell_history(service, namespace, (kubeconfig, context), output)


@app.command()
def version(output: OutputOption = Output.TABLE) -> None:
    """Print the version of this program and of the API that it speaks."""
    structure = {"version": __version__, "apiVersion": API_VERSION}
    show(structure, output, lambda _: f"aif {__version__} ({API_VERSION})")


def run(name: str) -> int:
    """Run the command line under ``name`` and return its exit status; an error is a line on the standard error."""
    try:
        return int(app(prog_name=name, standalone_mode=False) or Status.DONE)
    except AifError as error:
        _complain(error.message)
    except typer.TyperException as error:
        context: typer.Context | None = getattr(error, "ctx", None)
        # Without any word there is no message: the help has been printed already.
        if message := error.format_message():
            _complain(f"{message} See `{context.command_path if context else name} --help`.")
        return Status.USAGE
    except (KeyboardInterrupt, typer.Abort):
        return Status.INTERRUPTED
    except BrokenPipeError:
        # Whoever read has enough; without this, Python complains as it flushes on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Status.ERROR


def _complain(message: str) -> None:
    for line in message.splitlines():
        errors().print(f"error: {line}", soft_wrap=True, style="red")


def _commands() -> ModuleType:
    from aif.cli import commands  # noqa: PLC0415 - numpy loads slowly, and `aif version` and --help need none

    return commands
