"""Prometheus and promtool: from the PATH, else Debian's package, else built from the Go module; nothing is installed.

Some builds cannot find targets by the Kubernetes API, Debian's among them: whether one can is asked of promtool.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from cluster.build import ensure
from cluster.errors import ClusterError, ToolMissing
from cluster.locks import exclusive
from cluster.paths import Folders
from cluster.process import run
from cluster.progress import Steps
from cluster.tools import prometheus as family

LEAST = (2, 40)
"""The first release whose query API and configuration are used here."""

PROGRAMS = ("prometheus", "promtool")
_HINT = "install Prometheus 2.40 or newer from https://prometheus.io/download/ and put it on the PATH"
_BY_KUBERNETES = "scrape_configs: [{job_name: pods, kubernetes_sd_configs: [{role: pod}]}]\n"


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the two programs lie."""

    prometheus: Path
    promtool: Path

    @property
    def usable(self) -> bool:
        """Whether they run and are new enough."""
        return version_of(self.prometheus) >= LEAST

    @property
    def asks_kubernetes(self) -> bool:
        """Whether they can find targets by the Kubernetes API."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
            config.write(_BY_KUBERNETES)
            config.flush()
            return run([self.promtool, "check", "config", config.name]).code == 0


def provide(
    folders: Folders, search_path: str | None, *, kubernetes: bool = False, steps: Steps | None = None
) -> Programs:
    """The first programs that do: of the PATH, of Debian's package in the cache, or built into the cache.

    `kubernetes`: they must find targets by the Kubernetes API. A build takes minutes, and `steps` shows it. ToolMissing
    where none can be had: its text says what to install.
    """
    reasons = []
    for attempt in (_of_path, _of_debian):
        try:
            for programs in attempt(folders, search_path):
                if programs.usable and (programs.asks_kubernetes or not kubernetes):
                    return programs
        except ToolMissing as missing:
            reasons.append(str(missing))
    try:
        paths = ensure((family(),), folders, steps or Steps(Console(quiet=True))).paths
    except ClusterError as error:
        raise ToolMissing("; ".join([*reasons, f"Prometheus could not be built ({error}): {_HINT}"])) from error
    return Programs(*(paths[program] for program in PROGRAMS))


def version_of(prometheus: Path) -> tuple[int, int]:
    """The (major, minor) that the program reports; (0, 0) where it does not run."""
    try:
        said = run([prometheus, "--version"])
    except OSError:
        return (0, 0)
    found = re.search(r"version (\d+)\.(\d+)", said.output + said.errors)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _of_path(_: Folders, search_path: str | None) -> Iterator[Programs]:
    found = [shutil.which(program, path=search_path) for program in PROGRAMS]
    paths = [Path(path) for path in found if path is not None]
    if len(paths) == len(PROGRAMS):
        yield Programs(*paths)


def _of_debian(folders: Folders, search_path: str | None) -> Iterator[Programs]:
    home = folders.binaries / "prometheus-debian"
    with exclusive(folders.binaries / ".prometheus.lock"):
        if not home.is_dir():
            _unpack(home, search_path)
    yield Programs(*(home / program for program in PROGRAMS))


def _unpack(home: Path, search_path: str | None) -> None:
    """Fetch Debian's package and take the programs out of it; the machine's own packages stay as they are."""
    if any(shutil.which(program, path=search_path) is None for program in ("apt-get", "dpkg-deb")):
        raise ToolMissing("Debian's apt-get was not found")
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=home.parent) as partial:
        folder = Path(partial)
        unpacked = run(["dpkg-deb", "--extract", _download(folder), folder / "tree"])
        if unpacked.code != 0:
            raise ToolMissing(f"Debian's package of Prometheus could not be unpacked ({unpacked.errors})")
        (folder / "tree" / "usr" / "bin").rename(home)


def _download(folder: Path) -> Path:
    """Fetch the package, with fresh lists of packages where the old ones no longer lead to it."""
    outcome = run(["apt-get", "-qq", "download", "prometheus"], cwd=folder)
    if outcome.code != 0 and run(["apt-get", "-qq", "update"]).code == 0:
        outcome = run(["apt-get", "-qq", "download", "prometheus"], cwd=folder)
    packages = list(folder.glob("prometheus_*.deb"))
    if not packages:
        lines = outcome.errors.strip().splitlines() or ["no output"]
        raise ToolMissing(f"Debian's package of Prometheus could not be fetched ({lines[-1]})")
    return packages[0]
