"""Options that the commands of `aif kpi` and `aif plan` share."""

from __future__ import annotations

from typing import Annotated

import typer

ProfileOption = Annotated[str, typer.Option("--filename", "-f", metavar="FILE", help="Profile: YAML, or - for stdin.")]
PlotOption = Annotated[
    str, typer.Option("--plot", metavar="FILE", help="Also draw a picture: a file that ends in .svg or .png.")
]
