"""Flower's own engines for `bench_flower.py`: an environment of their own, its simulation, and its daemons."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
VERSION: Final = "1.41.0"
APP: Final = HERE / "flower"
LONGEST_S: Final = 900.0
INSTALLING_S: Final = 600.0
_GRACE_S: Final = 10.0
_QUIET: Final = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "RAY_USAGE_STATS_ENABLED": "0"}


class Unavailable(Exception):
    """Flower's engines cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a job went.

    Attributes:
        began: When its first process was started, seconds.
        rounds: When the model of each round was judged.
        accuracy: Of the last model.
    """

    began: float
    rounds: tuple[float, ...]
    accuracy: float


def environment() -> Path:
    """Return the folder of an environment with Flower and its simulation; it is made once.

    Raises:
        Unavailable: There is no uv, or no way to a package index.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aif-operator" / f"flower-{VERSION}"
    done = cache / ".complete"
    if done.exists():
        return cache
    uv = shutil.which("uv") or str(ROOT / ".uv" / "bin" / "uv")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    packages = [f"flwr[simulation]=={VERSION}", *groups["learn"]]
    try:
        subprocess.run([uv, "venv", "--quiet", "--clear", str(cache)], check=True, timeout=INSTALLING_S)
        command = [uv, "pip", "install", "--quiet", "--python", str(cache / "bin" / "python"), *packages]
        subprocess.run(command, check=True, timeout=INSTALLING_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"Flower cannot be installed into {cache}: {error}") from error
    done.touch()
    return cache


@contextlib.contextmanager
def running(command: Sequence[str], environ: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with all that it starts; at the end of the block it is ended."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=out, start_new_session=True)
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)


@contextlib.contextmanager
def prepared(job: dict[str, Any]) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield a folder for a run, and what its processes find in their environment."""
    home = environment()
    with tempfile.TemporaryDirectory(prefix="flower-") as name:
        folder = Path(name)
        told = {**job, "out": str(folder / "out.json")}
        environ = {
            **os.environ,
            **_QUIET,
            "AIF_FLOWER_JOB": json.dumps(told),
            "FLWR_HOME": str(folder),
            "OMP_NUM_THREADS": "1",
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT / 'operator'}:{APP}",
        }
        yield folder, environ


def course(folder: Path, began: float, process: subprocess.Popen[bytes]) -> Course:
    """Wait for the end of a run; return how it went."""
    process.wait(LONGEST_S)
    out = folder / "out.json"
    if not out.exists():
        raise RuntimeError("\n".join(path.read_text(errors="replace")[-2000:] for path in folder.glob("*.log")))
    found = json.loads(out.read_text(encoding="utf-8"))
    return Course(began, tuple(found["times"][1:]), found["accuracy"][-1])


def simulation(job: dict[str, Any]) -> Course:
    """Run a job under Flower's simulation, whose clients are actors of Ray."""
    with prepared(job) as (folder, environ):
        began = time.time()
        command = [str(environment() / "bin" / "python"), str(APP / "simulation.py")]
        with running(command, environ, folder / "simulation.log") as process:
            return course(folder, began, process)


def daemons(job: dict[str, Any]) -> Course:
    """Run a job under Flower's daemons: a SuperLink, a SuperNode for each client, and `flwr run`."""
    ports = free_ports(1 + job["clients"])
    address = f"127.0.0.1:{ports[0]}"
    with prepared(job) as (folder, environ), contextlib.ExitStack() as stack:
        shutil.copytree(APP, folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "config.toml").write_text(
            f'[superlink]\ndefault = "here"\n\n[superlink.here]\naddress = "{address}"\ninsecure = true\n', "utf-8"
        )
        began = time.time()
        link = ["flower-superlink", "--insecure", "--disable-runtime-dependency-installation", "--port", str(ports[0])]
        stack.enter_context(running(link, environ, folder / "link.log"))
        wait_for(ports[0])
        for index, port in enumerate(ports[1:]):
            config = f"partition-id={index} num-partitions={job['clients']}"
            node = ["flower-supernode", "--insecure", "--superlink", address, "--port", str(port)]
            stack.enter_context(running([*node, "--node-config", config], environ, folder / f"node-{index}.log"))
        run = ["flwr", "run", str(folder / "app"), "here", "--stream"]
        return course(folder, began, stack.enter_context(running(run, environ, folder / "run.log")))


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


def wait_for(port: int) -> None:
    """Wait until somebody listens on a port."""
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens on port {port}")
