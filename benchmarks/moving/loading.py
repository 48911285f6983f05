"""The load generator, as a process where clients of Services are."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cluster.real.verbs import RealNodes
from moving import ROOT

_PATIENCE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: requests a second in all, streams begun a second in all, by these kinds of clients."""

    rate: float
    streams: float
    clients: str = "new,keepalive,stream"
    chunks: int = 10
    interval: float = 0.2
    timeout: float = 10.0
    arrivals: str = "even"


@dataclass(slots=True)
class Told:
    """What the generator told at its end: counts and latencies, and a record per failure."""

    result: dict[str, Any] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """Requests and streams that were sent."""
        return int(self.result["sent"])

    @property
    def failed(self) -> int:
        """Those that failed."""
        return int(self.result["failed"])

    @property
    def kinds(self) -> Counter[str]:
        """How many failed in which way, over all kinds of clients."""
        return sum((Counter(each["failures"]) for each in self.result["clients"].values()), Counter[str]())


@contextlib.contextmanager
def under_load(real: RealNodes, urls: Sequence[str], load: Load) -> Iterator[Told]:
    """Send load to these addresses; what is yielded tells the result once the block has ended."""
    told = Told()
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        failures = Path(folder) / "failures.jsonl"
        process = subprocess.Popen(
            real.command(_command(urls, load, failures)),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT / "e2e")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield told
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                output, _ = process.communicate(timeout=_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        told.result = json.loads(output)
        told.failures = [json.loads(line) for line in failures.read_text().splitlines()]


def _command(urls: Sequence[str], load: Load, failures: Path) -> list[str]:
    options = {
        "--rate": load.rate,
        "--streams": load.streams,
        "--clients": load.clients,
        "--chunks": load.chunks,
        "--interval": load.interval,
        "--timeout": load.timeout,
        "--arrivals": load.arrivals,
        "--seconds": 0,
        "--failures": failures,
        "--output": "json",
    }
    named = [word for name, value in options.items() for word in (name, str(value))]
    return [sys.executable, "-m", "load", *named, *(word for url in urls for word in ("--url", url))]
