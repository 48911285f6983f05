"""Flower's own daemons on this machine, for benchmarks: a superlink, a supernode per client, one run of an app."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
BIN: Final = Path(sys.executable).parent
LONGEST_S: Final = 240.0
CLIENTS: Final = 3


@dataclass(frozen=True, slots=True)
class Run:
    """How a run went.

    Attributes:
        seconds: From the first process to the model.
        rounds: Seconds of each round.
        accuracy: Of the model.
    """

    seconds: float
    rounds: list[float]
    accuracy: float


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def until_open(port: int) -> None:
    """Wait until somebody listens on a port; TimeoutError where nobody does."""
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens on port {port}")


@contextlib.contextmanager
def started(folder: Path, environment: dict[str, str], *command: str) -> Iterator[None]:
    """Run a daemon, with its log in the folder; it is ended with all that it started."""
    with (folder / f"{Path(command[0]).name}.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()


def settings(folder: Path, port: int) -> dict[str, str]:
    """Write Flower's settings into a folder; return the environment of its processes."""
    home = folder / "home"
    home.mkdir()
    told = f'[superlink]\ndefault = "here"\n\n[superlink.here]\naddress = "127.0.0.1:{port}"\ninsecure = true\n'
    (home / "config.toml").write_text(told)
    shutil.copytree(HERE / "flower_app", folder / "app")
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(HERE.parent / "operator"),
        "OMP_NUM_THREADS": "1",
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "AIF_FLOWER_RESULT": str(folder / "result.json"),
    }


def run() -> Run:
    """Run the federated job of three clients and three rounds by Flower's daemons."""
    folder = Path(tempfile.mkdtemp(prefix="flower-"))
    link, *nodes = free_ports(1 + CLIENTS)
    try:
        environment = settings(folder, link)
        began = time.time()
        with contextlib.ExitStack() as stack:
            command = (str(BIN / "flower-superlink"), "--insecure", "--host=127.0.0.1", f"--port={link}")
            stack.enter_context(started(folder, environment, *command))
            until_open(link)
            for index, port in enumerate(nodes):
                told = (
                    "--insecure",
                    f"--superlink=127.0.0.1:{link}",
                    f"--port={port}",
                    f"--node-config=index={index}",
                )
                stack.enter_context(started(folder, environment, str(BIN / "flower-supernode"), *told))
            command = (str(BIN / "flwr"), "run", str(folder / "app"), "here", "--stream")
            stack.enter_context(started(folder, environment, *command))
            return _result(folder, began)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _result(folder: Path, began: float, rounds: int = 3) -> Run:
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError, ValueError):
            told = json.loads((folder / "result.json").read_text())
            if told["round"] == rounds:
                done = told["done"]
                return Run(done[-1] - began, [b - a for a, b in pairwise(done)], told["accuracy"])
        time.sleep(0.1)
    logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in folder.glob("*.log"))
    raise TimeoutError(f"Flower's daemons did not finish in {LONGEST_S:g} s:\n{logs}")


if __name__ == "__main__":
    print(run())
