"""The contestants as processes: the operator with its usual and with a raised write budget, and its peers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from rest import eventually

from contest import ROOT
from contest.stage import Stage, cpu_seconds

RAISED: Final = {"AIF_WRITES_PER_SECOND": "100000", "AIF_WRITE_BURST": "100000"}
_BUSY_SHARE: Final = 0.1
_CALM_LOOKS: Final = 3
_LOOK_S: Final = 0.5
_LIFE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """A contestant at work."""

    process: psutil.Process
    end: Callable[[], object]

    @property
    def cpu(self) -> float:
        """Seconds that it has computed so far."""
        return cpu_seconds([self.process])

    def require_alive(self) -> None:
        """Let pass a contestant that runs.

        Raises:
            RuntimeError: It has ended.
        """
        if not self.process.is_running() or self.process.status() == psutil.STATUS_ZOMBIE:
            raise RuntimeError(f"the contestant with process id {self.process.pid} ended before its work was done")

    @property
    def mib(self) -> float:
        """Its memory now."""
        return float(self.process.memory_info().rss) / 2**20

    def calm(self) -> None:
        """Wait until it has nothing left to do."""
        looks, before = 0, self.cpu
        while looks < _CALM_LOOKS:
            time.sleep(_LOOK_S)
            now = self.cpu
            looks, before = (looks + 1 if now - before < _BUSY_SHARE * _LOOK_S else 0), now


Start = Callable[[Stage, str, Path], Running]
"""Starts a contestant for a namespace; the kubeconfig is of the peers' account."""


def _operator(settings: Mapping[str, str]) -> Start:
    def start(here: Stage, namespace: str, _: Path) -> Running:
        replica = here.operators.start(AIF_WATCH_NAMESPACES=namespace, **settings)
        eventually(lambda: replica.leads, f"the operator leads; its log is {replica.log}", _LIFE_S)
        return Running(psutil.Process(replica.process.pid), replica.end)

    return start


def _peer(module: str) -> Start:
    def start(here: Stage, namespace: str, kubeconfig: Path) -> Running:
        log = (here.folder / f"{module}.log").open("ab")
        folders = (ROOT / "benchmarks", ROOT / "operator", ROOT / "e2e", ROOT / "e2e" / "tests")
        process = subprocess.Popen(
            [sys.executable, "-m", f"contest.{module}", namespace, str(kubeconfig)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, folders))},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        return Running(psutil.Process(process.pid), lambda: _end(process))

    return start


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


ENTRANTS: Final[Mapping[str, Start]] = {
    "aif": _operator({}),
    "aif-raised": _operator(RAISED),
    "kopf": _peer("naive_kopf"),
    "raw": _peer("raw_limit"),
}
"""`aif-raised` is the operator with a write budget that does not bind."""
