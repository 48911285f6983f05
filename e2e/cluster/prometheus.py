"""Prometheus and promtool: from the PATH, else out of Debian's package into the user's cache; nothing is installed."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ToolMissing
from cluster.locks import exclusive
from cluster.paths import Folders
from cluster.process import run

LEAST = (2, 40)
"""The first release whose query API and configuration are used here."""

PROGRAMS = ("prometheus", "promtool")
_HINT = "install Prometheus 2.40 or newer from https://prometheus.io/download/ and put it on the PATH"


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the two programs lie."""

    prometheus: Path
    promtool: Path


def provide(folders: Folders, search_path: str | None) -> Programs:
    """The programs of the PATH where they are new enough, else of the cache, filled on first use.

    ToolMissing where neither can be had: its text says what to install.
    """
    found = [shutil.which(program, path=search_path) for program in PROGRAMS]
    paths = [Path(path) for path in found if path is not None]
    if len(paths) == len(PROGRAMS) and version_of(paths[0]) >= LEAST:
        return Programs(*paths)
    home = folders.binaries / "prometheus-debian"
    with exclusive(folders.binaries / ".prometheus.lock"):
        if not home.is_dir():
            _unpack(home)
    programs = Programs(*(home / program for program in PROGRAMS))
    if version_of(programs.prometheus) < LEAST:
        raise ToolMissing(f"Debian's Prometheus is too old or does not run here: {_HINT}")
    return programs


def version_of(prometheus: Path) -> tuple[int, int]:
    """The (major, minor) that the program reports; (0, 0) where it does not run."""
    try:
        said = run([prometheus, "--version"])
    except OSError:
        return (0, 0)
    found = re.search(r"version (\d+)\.(\d+)", said.output + said.errors)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _unpack(home: Path) -> None:
    """Fetch Debian's package and take the programs out of it; the machine's own packages stay as they are."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise ToolMissing(f"neither Prometheus nor Debian's apt-get was found: {_HINT}")
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=home.parent) as partial:
        folder = Path(partial)
        unpacked = run(["dpkg-deb", "--extract", _download(folder), folder / "tree"])
        if unpacked.code != 0:
            raise ToolMissing(f"Debian's package of Prometheus could not be unpacked ({unpacked.errors}): {_HINT}")
        (folder / "tree" / "usr" / "bin").rename(home)


def _download(folder: Path) -> Path:
    """Fetch the package, with fresh lists of packages where the old ones no longer lead to it."""
    outcome = run(["apt-get", "-qq", "download", "prometheus"], cwd=folder)
    if outcome.code != 0 and run(["apt-get", "-qq", "update"]).code == 0:
        outcome = run(["apt-get", "-qq", "download", "prometheus"], cwd=folder)
    packages = list(folder.glob("prometheus_*.deb"))
    if not packages:
        lines = outcome.errors.strip().splitlines() or ["no output"]
        raise ToolMissing(f"Debian's package of Prometheus could not be fetched ({lines[-1]}): {_HINT}")
    return packages[0]
