"""The commands `aif kpi ...`: the figures of merit of a profile, without a cluster."""

from __future__ import annotations

from types import ModuleType

import typer

from aif.cli.options import PlotOption, ProfileOption
from aif.cli.output import Output, OutputOption

kpi = typer.Typer(
    help="Figures of merit: latency, energy, carbon, accuracy, density, coverage; quality of data.",
    no_args_is_help=True,
)


@kpi.command()
def inference(profile: ProfileOption, output: OutputOption = Output.TABLE, plot: PlotOption = "") -> None:
    """Show what a request meets with at each cut between the user's side and the network's."""
    _commands().inference(profile, output, plot)


@kpi.command()
def training(profile: ProfileOption, output: OutputOption = Output.TABLE, plot: PlotOption = "") -> None:
    """Show what a training takes, centralised in the network or distributed over the users."""
    _commands().training(profile, output, plot)


@kpi.command()
def data(profile: ProfileOption, output: OutputOption = Output.TABLE) -> None:
    """Show how complete samples are, and how much of them is redundant."""
    _commands().data(profile, output)


def _commands() -> ModuleType:
    from aif.cli.kpi import commands  # noqa: PLC0415 - numpy loads slowly, and --help needs none

    return commands
