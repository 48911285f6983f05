"""The commands `aif plan ...`: what the planner decides about a profile, without a cluster.

A module per sub-command holds what it does; each is loaded when it is called, since numpy loads slowly.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Annotated

import typer

from aif.cli.options import PlotOption, ProfileOption
from aif.cli.output import Output, OutputOption

plan = typer.Typer(
    help="Plan where work runs: the decisions of the operator as functions of a file.", no_args_is_help=True
)


@plan.command()
def offload(profile: ProfileOption, output: OutputOption = Output.TABLE, plot: PlotOption = "") -> None:
    """Decide by time and roofline whether the user's device or the network computes a request."""
    _module("offload").run(profile, output, plot)


@plan.command()
def qoais(
    service: Annotated[str, typer.Option("--filename", "-f", metavar="AISERVICE", help="File with one AIService.")],
    variant: Annotated[str, typer.Option(help="Variant to plan for; default: the first.")] = "",
    schemes: Annotated[
        str, typer.Option(metavar="FILE", help="Profile of orchestration schemes to compare by the contract.")
    ] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Take the contract of a service apart: indicators per dimension, and what each resource must offer."""
    _module("qoais").run(service, variant, schemes, output)


@plan.command()
def split(profile: ProfileOption, output: OutputOption = Output.TABLE, plot: PlotOption = "") -> None:
    """Cut a model between two sides or over several, or divide it row by row over peers."""
    _module("split").run(profile, output, plot)


@plan.command()
def allocate(profile: ProfileOption, output: OutputOption = Output.TABLE, plot: PlotOption = "") -> None:
    """Share bandwidth, compute and compression of a site out to its tasks, and compare with simpler ways."""
    _module("allocate").run(profile, output, plot)


@plan.command()
def place(profile: ProfileOption, output: OutputOption = Output.TABLE, plot: PlotOption = "") -> None:
    """Place many services on many nodes at once, and bound what any placement is worth."""
    _module("place").run(profile, output, plot)


@plan.command()
def mobility(profile: ProfileOption, output: OutputOption = Output.TABLE, plot: PlotOption = "") -> None:
    """Predict where a user group goes next, and decide whether its service moves ahead of it."""
    _module("mobility").run(profile, output, plot)


@plan.command()
def energy(profile: ProfileOption, output: OutputOption = Output.TABLE, plot: PlotOption = "") -> None:
    """Choose devices, shares of the load and hours by energy or carbon, where time and budget allow."""
    _module("energy").run(profile, output, plot)


@plan.command(name="exit")
def exits(profile: ProfileOption, output: OutputOption = Output.TABLE, plot: PlotOption = "") -> None:
    """Choose the exit of a model and its cut under a deadline, and when an unsure answer goes one tier up."""
    _module("exit").run(profile, output, plot)


def _module(name: str) -> ModuleType:
    """Return the module ``aif.cli.plan.<name>``."""
    return import_module(f"aif.cli.plan.{name}")
