"""The command line of the operator's process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aif.__main__ import options
from aif.settings import Settings, variables
from tests.documents import ROOT


def start(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the operator to its end, without a cluster."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "aif", *arguments],
        env=environment | {"PYTHONPATH": str(ROOT / "operator"), "PYTHONSAFEPATH": "1", **environ},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_option_stands_for_a_setting() -> None:
    assert options(["--profile", "here"]) == {"AIF_PROFILE": "here"}
    assert options(["--profile", "here"]).keys() <= set(variables().values())


def test_an_option_goes_before_the_variable() -> None:
    environ = {"AIF_PROFILE": "there", "AIF_WORKERS": "3"}
    settings = Settings.from_environ({**environ, **options(["--profile", "here"])})
    assert (settings.profile, settings.workers) == ("here", 3)
    assert options([]) == {}


def test_an_option_that_is_none_ends_the_process_with_what_there_is() -> None:
    done = start("--profil-e", "here")
    assert done.returncode == 2
    assert "--profile DIR" in done.stderr


@pytest.mark.parametrize("way", ["option", "variable"])
def test_profiles_that_cannot_be_written_end_the_process_at_once(tmp_path: Path, way: str) -> None:
    (taken := tmp_path / "taken").touch()
    done = start("--profile", str(taken)) if way == "option" else start(AIF_PROFILE=str(taken))
    assert done.returncode == 2
    assert done.stderr.startswith(f"AIF_PROFILE: {taken}")
    assert "Traceback" not in done.stderr


def test_a_process_that_ends_for_want_of_a_cluster_leaves_its_profile(tmp_path: Path) -> None:
    done = start("--profile", str(tmp_path / "profiles"), KUBECONFIG=str(tmp_path / "none"))
    assert done.returncode == 2
    (text,) = (tmp_path / "profiles").glob("*.txt")
    assert "/aif/__main__.py" in text.read_text()
