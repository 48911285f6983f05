"""Jobs of learning as processes on this machine, for benchmarks: each role with its file, over sockets in a folder."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SOURCE: Final = Path(__file__).parent.parent / "operator"
LONGEST_S: Final = 300.0
Settings = dict[str, Any]


@dataclass(slots=True)
class Processes:
    """The processes of one job.

    Attributes:
        folder: For sockets, files, checkpoints and the model.
        shared: What every role is told.
        learning: What roles with a model are told besides.
        before: Words before the command of each role, such as for a namespace of its own.
        modules: Folder with modules that roles find before any other.
    """

    folder: Path
    shared: Settings
    learning: Settings
    before: tuple[str, ...] = ()
    modules: Path | None = None
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def at(self, name: str) -> str:
        """Return the address of a role."""
        return f"unix:{self.folder}/{name}.sock"

    def start(self, role: str, name: str, told: Settings, *, model: bool = True) -> None:
        """Start a role; one that ran before begins anew with the same file."""
        path = self.folder / f"{name}.json"
        path.write_text(
            json.dumps({**self.shared, **(self.learning if model else {}), "name": name, **told}, default=str)
        )
        paths = ":".join(str(path) for path in (self.modules, SOURCE) if path)
        environment = {**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [*self.before, sys.executable, "-m", f"aif_runtime.roles.{role}", str(path)]
            self.running[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """Kill a role: no farewell, no cleaning up."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def aggregator(self, rules: Settings) -> None:
        """Start the aggregator and the evaluator."""
        told = {"listen": self.at("agg"), "state": self.folder / "state", "output": {"folder": self.folder}}
        self.start("aggregator", "agg", {**told, "rules": {"gatherSeconds": 60, "evaluators": 1, **rules}})
        self.start("evaluator", "eva", {"aggregator": self.at("agg")})

    def local_function(self, group: str) -> None:
        """Start the local function of a group."""
        addresses = {"listen": self.at(f"lf-{group}"), "manager": self.at("man"), "aggregator": self.at("agg")}
        self.start("local_function", f"lf-{group}", {"group": group, "gatherSeconds": 60, **addresses})

    def two_levels(self, cuts: dict[str, str], each: int, rounds: int, reencryption: str = "None") -> None:
        """Start all roles of a job over two levels."""
        self.aggregator({"rounds": rounds, "clients": len(cuts), "quorum": len(cuts), "graceSeconds": 60})
        groups = [
            {"name": name, "cut": cut, "clients": each, "server": self.at(f"lf-{name}")} for name, cut in cuts.items()
        ]
        addresses = {"listen": self.at("man"), "aggregator": self.at("agg"), "forwarding": self.at("fp")}
        kept = {"kAnonymity": each, "reencryption": reencryption}
        privacy = {"privacy": kept, "gatherSeconds": 60, "graceSeconds": 1}
        self.start(
            "routine_manager", "man", {"groups": groups, "state": self.folder / "routine", **addresses, **privacy}
        )
        for role, name in (("forwarding_plane", "fp"), ("access_manager", "am")):
            self.start(role, name, {"listen": self.at(name), "manager": self.at("man")}, model=False)
        for group in cuts:
            self.local_function(group)
        for index in range(each * len(cuts)):
            self.start("client", f"t-{index}", {"access": self.at("am"), "index": index})

    def rounds_done(self) -> int:
        """Return how many rounds are kept."""
        return max((int(path.stem.split("-")[1]) for path in (self.folder / "state").glob("round-*.json")), default=0)

    def until_round(self, turn: int) -> None:
        """Wait until a round is kept."""
        until = time.monotonic() + LONGEST_S
        while self.rounds_done() < turn:
            if time.monotonic() > until:
                raise TimeoutError(f"round {turn} was not done after {LONGEST_S:g} s; see the logs in {self.folder}")
            time.sleep(0.01)

    def result(self) -> Settings:
        """Wait for the end of the job; return the note beside the model."""
        status = self.running["agg"].wait(LONGEST_S)
        if status:
            raise RuntimeError((self.folder / "agg.log").read_text())
        note: Settings = json.loads((self.folder / "model.json").read_text())
        return note


@contextlib.contextmanager
def processes(clients: int, **learning: Any) -> Iterator[Processes]:
    """Run a job; whatever of it still runs at the end is killed."""
    folder = Path(tempfile.mkdtemp(prefix="learn-"))
    shared = {"job": "bench", "insecure": True, "seed": 7, "timing": {"patienceSeconds": 60}}
    data = {"data": {"source": "Digits", "clients": clients}}
    job = Processes(folder, shared, {**data, **learning})
    try:
        yield job
    finally:
        for name in list(job.running):
            job.kill(name)
        shutil.rmtree(folder)
