"""The commands `aif plan ...`: what the planner decides about a profile, without a cluster.

A module per sub-command holds what it does; each is loaded when it is called, since numpy loads slowly.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

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


def _module(name: str) -> ModuleType:
    """Return the module ``aif.cli.plan_<name>``."""
    return import_module(f"aif.cli.plan_{name}")
