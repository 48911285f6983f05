"""The program `aif` of this checkout, run as a user would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from documents import ROOT


def aif(*words: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `aif` with these words; `environment` is what it sees besides where the checkout is."""
    command = [sys.executable, "-c", "from aif.cli import main; main()", *words]
    seen = {"PYTHONPATH": str(ROOT / "operator"), "PYTHONSAFEPATH": "1", **(environment or {})}
    return subprocess.run(command, env=seen, check=False, capture_output=True, text=True)
