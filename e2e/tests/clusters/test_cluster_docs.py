"""The guide to the local cluster names every command and option that there is."""

from __future__ import annotations

from pathlib import Path

import typer.main

from cluster import tools
from cluster.cli import app

GUIDE = (Path(__file__).parents[3] / "docs" / "local-cluster.md").read_text()
GROUP = typer.main.get_group(app)
COMMANDS = GROUP.commands


def test_every_command_is_in_the_guide() -> None:
    assert [name for name in COMMANDS if f"| `{name}` |" not in GUIDE] == []


def test_every_option_is_in_the_guide() -> None:
    options = {option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts}
    named = {option for option in options if option.startswith("--")} - {"--content"}
    assert sorted(option for option in named if option not in GUIDE) == []


def test_every_supported_kubernetes_version_is_in_the_guide() -> None:
    assert [version for version in tools.kubernetes_versions() if version not in GUIDE] == []
