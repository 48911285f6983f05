"""The command line keeps its promises: exit status, one line per error, no client for Kubernetes without need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import aif as package
from tests.cli.conftest import DEMO, Aif

SOURCE = Path(__file__).parents[2]


def test_the_version_names_program_and_api(aif: Aif) -> None:
    done = aif("version")
    assert (done.status, done.out, done.err) == (0, f"aif {package.__version__} (net4ai.io/v1alpha1)\n", "")


def test_the_version_is_a_structure_too(aif: Aif) -> None:
    expected = {"version": package.__version__, "apiVersion": "net4ai.io/v1alpha1"}
    assert json.loads(aif("version", "-o", "json").out) == expected
    assert yaml.safe_load(aif("version", "-o", "yaml").out) == expected


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(("simulate", "--nonsense"), "No such option: --nonsense", id="an unknown option"),
        pytest.param(("nonsense",), "No such command 'nonsense'", id="an unknown command"),
        pytest.param(("explain",), "Missing argument 'SERVICE'", id="no service"),
        pytest.param(("simulate",), "name files with AIServices and ComputeNodes", id="no files"),
        pytest.param(("version", "-o", "xml"), "'xml' is not one of 'table', 'json', 'yaml'", id="an unknown format"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_help_and_status_2(
    aif: Aif, words: tuple[str, ...], complaint: str
) -> None:
    done = aif(*words)
    assert (done.status, done.out) == (2, "")
    assert complaint in done.err
    assert done.err.startswith("error: ")
    assert "--help`" in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["aif", "kubectl aif"])
def test_the_usage_shows_the_name_by_which_it_was_called(aif: Aif, name: str) -> None:
    assert f"Usage: {name} simulate" in aif("simulate", "--help", name=name).out


def test_the_help_names_the_exit_statuses(aif: Aif) -> None:
    told = " ".join(aif("--help").out.split())
    assert "0 done; 1 error, or a recorded decision is another one now; 2 wrong usage; 3 simulate --strict" in told


def test_without_a_word_it_shows_the_help(aif: Aif) -> None:
    done = aif()
    assert done.status == 2
    assert "simulate" in done.out + done.err


def run_python(code: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), **environ}
    return subprocess.run(
        [sys.executable, "-c", code, *words], env=environment, capture_output=True, text=True, check=False
    )


def loaded_by(*words: str) -> set[str]:
    """Return the names of the top-level modules that a call loads."""
    code = (
        "import sys\nfrom aif.cli import main\nsys.argv[0] = 'aif'\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = run_python(code, *words)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_what_needs_no_cluster_loads_no_client() -> None:
    assert loaded_by("version").isdisjoint({"kubernetes", "kopf", "aiohttp", "numpy", "cel"})


def test_a_simulation_loads_no_client() -> None:
    assert loaded_by("simulate", *DEMO).isdisjoint({"kubernetes", "kopf", "aiohttp"})


def test_a_reader_that_has_enough_ends_it_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", "import sys\nfrom aif.cli import main\nsys.argv[0] = 'aif'\nmain()", "version"],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert done.stderr == ""
