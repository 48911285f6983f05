"""Binaries of a tool family: from the PATH where the version is exactly ours, else from the cache, else built once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import BuildFailed, ClusterError
from cluster.locks import exclusive
from cluster.paths import Folders
from cluster.process import run
from cluster.progress import Running, Step, Steps
from cluster.toolchain import Go, provide
from cluster.tools import ToolFamily

_VERSION_ARGUMENTS: Mapping[str, Sequence[str]] = {
    "kubectl": ("version", "--client"),
    "helm": ("version", "--template", "{{.Version}}"),
}
_NETWORK_SIGNS = ("dial tcp", "no such host", "i/o timeout", "TLS handshake", "proxyconnect", "connection refused")


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where each program of the families lies, by its name."""

    paths: Mapping[str, Path]

    def __getitem__(self, program: str) -> str:
        """The path of a program, ready for an argument list."""
        return str(self.paths[program])


def available(family: ToolFamily, folders: Folders, search_path: str | None) -> dict[str, Path] | None:
    """The programs of a family without a build: the cache's, else the PATH's; None where neither has all of them."""
    folder = folders.binaries / family.key
    if folder.is_dir():
        return {program: folder / program for program in family.commands}
    found = {program: shutil.which(program, path=search_path) for program in family.commands}
    paths = {program: Path(path) for program, path in found.items() if path is not None}
    exact = len(paths) == len(found) and all(_reports(path, program, family) for program, path in paths.items())
    return paths if exact else None


def _reports(path: Path, program: str, family: ToolFamily) -> bool:
    outcome = run([path, *_VERSION_ARGUMENTS.get(program, ("--version",))])
    return has_version(outcome.output, family.version)


def has_version(said: str, version: str) -> bool:
    """Whether the output of `--version` names exactly this version, written with or without its v."""
    return re.search(rf"(?<![\w.])v?{re.escape(version.removeprefix('v'))}(?![\w.+-])", said) is not None


def ensure(families: Sequence[ToolFamily], folders: Folders, steps: Steps) -> Binaries:
    """The binaries of all families; builds what is missing and says beforehand what that will cost."""
    environ = dict(os.environ)
    have = {family.name: available(family, folders, environ.get("PATH")) for family in families}
    missing = [family for family in families if have[family.name] is None]
    paths = {program: path for found in have.values() if found is not None for program, path in found.items()}
    if missing:
        paths |= _build_all(missing, folders, steps)
    return Binaries(paths)


def _build_all(missing: Sequence[ToolFamily], folders: Folders, steps: Steps) -> dict[str, Path]:
    steps.say(cost_notice(missing, folders))
    fetch = "Find Go"
    steps.extend([Step(fetch), *(Step(_title(family), usually=_usually(family)) for family in missing)])
    with steps.run(fetch):
        go = provide(max(family.go_version for family in missing), folders, os.environ)
        _require_space(go, missing)
    paths: dict[str, Path] = {}
    for family in missing:
        with steps.run(_title(family)) as running:
            paths |= build(family, go, folders, running)
    return paths


def build(family: ToolFamily, go: Go, folders: Folders, running: Running) -> dict[str, Path]:
    """Compile one family into the cache; a second process that wants the same waits, and finds it done."""
    target = folders.binaries / family.key
    lock = folders.binaries / f".{family.key}.lock"
    with exclusive(lock, on_wait=lambda: running.detail("another process builds it")):
        if not target.is_dir():
            _compile(family, go, folders, running, target)
    return {program: target / program for program in family.commands}


def _compile(family: ToolFamily, go: Go, folders: Folders, running: Running, target: Path) -> None:
    packages = list(family.commands.values())
    log = folders.binaries / f"{family.name}-build.log"
    log.unlink(missing_ok=True)
    dependencies = 0
    for line in _go(family, go, log, ["list", "-deps", *_tags(family), *packages]):
        running.detail(line.removeprefix("go: "))
        dependencies += not line.startswith("go: ")
    running.detail("")
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folders.binaries) as partial:
        out = Path(partial) / "bin"
        out.mkdir(mode=0o755)
        # A main package at the root of its module would be named after the module's version.
        named = out / next(iter(family.commands)) if len(packages) == 1 else out
        arguments = [
            "build",
            "-v",
            "-trimpath",
            *_tags(family),
            "-ldflags",
            family.linker_flags,
            "-o",
            str(named),
            *packages,
        ]
        for done, _ in enumerate(_go(family, go, log, arguments), start=1):
            running.advance(done, total=max(dependencies, done))
        out.rename(target)


def _tags(family: ToolFamily) -> tuple[str, ...]:
    return ("-tags", ",".join(family.tags)) if family.tags else ()


def _go(family: ToolFamily, go: Go, log: Path, arguments: Sequence[str]) -> Iterator[str]:
    """Each line that a `go` command prints, as it comes; all of them go to `log` too."""
    with (
        log.open("a") as file,
        subprocess.Popen(
            [str(go.program), *arguments],
            cwd=family.folder,
            env=dict(go.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        for line in process.stdout or ():
            file.write(line)
            file.flush()
            yield line.rstrip()
    if process.returncode != 0:
        raise BuildFailed(explain(family, log))


def explain(family: ToolFamily, log: Path) -> str:
    """Why a build failed, from the end of its log, and what to do about it."""
    lines = log.read_text(errors="replace").splitlines()
    last = lines[-1].strip() if lines else "no output"
    if any(sign in line for line in lines[-20:] for sign in _NETWORK_SIGNS):
        return (
            f"Go could not download the modules of {family.title} ({last}): check the network or set GOPROXY or "
            f"HTTPS_PROXY, then run the same command again; what was downloaded is kept. Log: {log}"
        )
    if "no space left" in last:
        need = f"free {family.cost.cache_mib} MiB, then run again"
        return f"The disk is full while building {family.title}: {need}. Log: {log}"
    return f"Go could not build {family.title}: {last}. Log: {log}"


def cost_notice(missing: Sequence[ToolFamily], folders: Folders) -> str:
    """What a build will take, in one sentence."""
    names = ", ".join(family.title for family in missing)
    low = sum(family.cost.minutes[0] for family in missing)
    high = sum(family.cost.minutes[1] for family in missing)
    cache = sum(family.cost.cache_mib for family in missing) / 1024
    binaries = sum(family.cost.binaries_mib for family in missing)
    return (
        f"Building {names} from source, once per user: usually {low} to {high} min on 2 cores, "
        f"{cache:.1f} GiB for Go's modules and build cache, {binaries} MiB of programs in {folders.binaries}"
    )


def _require_space(go: Go, missing: Sequence[ToolFamily]) -> None:
    cache = run([go.program, "env", "GOCACHE"], env=go.environment).output.strip()
    folder = next(path for path in (Path(cache), *Path(cache).parents) if path.exists())
    free = shutil.disk_usage(folder).free // 2**20
    # Half of the estimate is let through: caches that are already there are not counted.
    need = sum(family.cost.cache_mib for family in missing) // 2
    if free < need:
        raise ClusterError(
            f"{free} MiB free below {folder}, {need} MiB needed: free some, or set GOCACHE to another disk"
        )


def _title(family: ToolFamily) -> str:
    return f"Build {family.title}"


def _usually(family: ToolFamily) -> str:
    low, high = family.cost.minutes
    return f"{low} to {high} min"
