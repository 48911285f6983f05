"""The benchmark of moves adds up what its runs came to, and takes nothing away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from documents import ROOT


def a_run(strategy: str, chunks: int = 10, late: float = 5.0, **clients: tuple[int, int]) -> str:
    """Return a line of the record: by kind of clients, how many requests were sent and how many were reset."""
    times = {"lateMilliseconds": {"p99": late}}
    tallies = {
        name: {"sent": sent, "failed": failed, "cut": 0, "failures": {"reset": failed} if failed else {}, **times}
        for name, (sent, failed) in clients.items()
    }
    load = {"rate": 100, "streams": 1, "chunks": chunks, "interval": 0.2}
    return json.dumps(
        {"machine": "here", "load": load, "strategies": [{"strategy": strategy, "moves": 12, "clients": tallies}]}
    )


def summed(record: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Let the benchmark add up a record."""
    command = [sys.executable, str(ROOT / "benchmarks" / "bench_moves.py"), "--sum", str(record), *options]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_runs_add_up_with_every_failure_and_those_of_a_late_generator_apart(tmp_path: Path) -> None:
    record = tmp_path / "moves.jsonl"
    lines = [
        a_run("aif", new=(1000, 0), stream=(20, 0)),
        a_run("aif", chunks=200, new=(500, 2), stream=(10, 1)),
        a_run("recreate", new=(300, 40)),
        a_run("aif", late=4000.0, new=(900, 800)),
    ]
    record.write_text("\n".join(lines) + "\n")
    done = summed(record, "--output", "json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert {name: (each["runs"], each["moves"], each["sent"], each["failed"]) for name, each in told.items()} == {
        "aif": (2, 24, 1530, 3),
        "recreate": (1, 12, 300, 40),
        "aif, generator late": (1, 12, 900, 800),
    }
    assert {name: (each["sent"], each["failed"]) for name, each in told["aif"]["clients"].items()} == {
        "new": (1500, 2),
        "stream of 2 s": (20, 0),
        "stream of 40 s": (10, 1),
    }
