"""Processes that outlive the command that started them: start, recognise, stop.

A process is known by its id and by a mark of its start, so that an id which the kernel has given to another
process meanwhile is never mistaken for ours, and never stopped.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_INHERITED = ("PATH", "HOME", "TMPDIR", "LANG")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process id together with the mark of its start."""

    pid: int
    mark: str


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that a part of the cluster sees: nothing of the user's that could change its behaviour."""
    return {name: environ[name] for name in _INHERITED if name in environ}


def spawn(argv: Sequence[str], log: Path) -> ProcessIdentity:
    """Start a detached process that writes to `log` and survives this one."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=environment(os.environ),
        )
    _CHILDREN[process.pid] = process
    return ProcessIdentity(process.pid, start_mark(process.pid) or "")


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
) -> Outcome:
    """Run a command to its end; its standard output and error apart."""
    finished = subprocess.run(
        [str(word) for word in argv],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL if stdin is None else None,
        input=stdin,
        env=None if env is None else dict(env),
        cwd=cwd,
    )
    return Outcome(finished.returncode, finished.stdout, finished.stderr)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, and what it printed."""

    code: int
    output: str
    errors: str


def start_mark(pid: int) -> str | None:
    """What tells this process from an earlier or later one with the same id; None where there is none.

    On Linux the boot and the clock ticks since it, which no change of the wall clock moves.
    """
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except FileNotFoundError:
        return _creation_time(pid)
    except ProcessLookupError:
        return None
    return f"{boot}:{ticks}"


def find(identity: ProcessIdentity) -> psutil.Process | None:
    """The live process of this identity; None where it ended, be it as a zombie, or its id is another's now."""
    _reap(identity.pid)
    if start_mark(identity.pid) != identity.mark:
        return None
    try:
        process = psutil.Process(identity.pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None


def stop(identities: Sequence[ProcessIdentity], patience_s: float) -> None:
    """End these processes together: SIGTERM, and SIGKILL for those that are left after `patience_s`."""
    for process in _alive(identities):
        _signal(process.terminate)
    if not _gone(identities, patience_s):
        for process in _alive(identities):
            _signal(process.kill)
        _gone(identities, patience_s)


def _alive(identities: Sequence[ProcessIdentity]) -> list[psutil.Process]:
    return [process for identity in identities if (process := find(identity))]


def _gone(identities: Sequence[ProcessIdentity], patience_s: float) -> bool:
    """Wait until none of them lives. A zombie is gone: some machines collect them only every few seconds."""
    deadline = time.monotonic() + patience_s
    while _alive(identities):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


_PAUSE_S = 0.05

_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""Processes started by this very interpreter: they stay zombies until it asks for their exit status."""


def _reap(pid: int) -> None:
    child = _CHILDREN.get(pid)
    if child is not None and child.poll() is not None:
        del _CHILDREN[pid]


def _signal(send: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        send()


def _creation_time(pid: int) -> str | None:
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None
