"""The command line as a function: words in; exit status, output and errors out."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aif.cli.app import run

SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
DEMO = ("-f", str(SAMPLES / "network.yaml"), "-f", str(SAMPLES / "services.yaml"))


@dataclass(frozen=True, slots=True)
class Result:
    """How a call ended, and what it printed."""

    status: int
    out: str
    err: str


Aif = Callable[..., Result]


@pytest.fixture
def aif(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Aif:
    """Return `aif` as a function of its words, and of what stands on its standard input."""
    for variable in ("AIF_LADDER", "COLUMNS", "FORCE_COLOR", "KUBECONFIG", "NO_COLOR"):
        monkeypatch.delenv(variable, raising=False)

    def call(*words: str, stdin: str = "", name: str = "aif") -> Result:
        monkeypatch.setattr("sys.argv", [name, *words])
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        status = run(name)
        printed = capsys.readouterr()
        return Result(int(status), printed.out, printed.err)

    return call
