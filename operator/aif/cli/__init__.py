"""The command line `aif`, which kubectl also finds as the plug-in `kubectl aif`."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Run the command line under the name by which it was called."""
    from aif.cli.app import run  # noqa: PLC0415 - `python -m aif.cli.generate` needs none of it

    plugin = Path(sys.argv[0]).stem.replace("_", "-") == "kubectl-aif"
    sys.exit(run("kubectl aif" if plugin else "aif"))
