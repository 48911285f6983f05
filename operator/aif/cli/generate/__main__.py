"""Writes the generated files, or checks them: ``python -m aif.cli.generate``."""

from __future__ import annotations

import typer

from aif.cli.generate.generated import generate

if __name__ == "__main__":
    typer.run(generate)
