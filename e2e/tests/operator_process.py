"""The operator as a process of the operating system: started, watched, told to stop, or killed."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from documents import ROOT
from kubectl import Kubectl
from operator_account import write_kubeconfig
from rest import eventually

_NUMBERS: Final = itertools.count(1)
_PATIENCE_S: Final = 20.0
_LEADING_S: Final = 120.0
"""A busy machine takes its time to load the program, and a Lease that a killed replica left runs out after 15 s."""

_QUOTED_LINES: Final = 40


@dataclass(slots=True)
class Replica:
    """One running replica.

    `credential` is what the audit log calls its token; `log` holds a JSON object per line.
    """

    identity: str
    credential: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    def metric(self, name: str) -> float | None:
        """Return the sum of a metric over its labels; None where the replica does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=2) as answer:
                text = answer.read().decode()
        except OSError:
            return None
        values = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, values)) if values else 0.0

    @property
    def leads(self) -> bool:
        """Whether it holds the Lease, as it believes."""
        return self.metric("aif_leader") == 1.0

    @property
    def stands_by(self) -> bool:
        """Whether its caches are filled, which is what /readyz says."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self) -> tuple[int, float]:
        """Tell it to stop, and return its exit code and the seconds that took."""
        began = time.monotonic()
        self.send(signal.SIGTERM)
        try:
            return self.process.wait(_PATIENCE_S), time.monotonic() - began
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """End it at once, as the kernel does when memory runs out; a paused one too."""
        if self.alive:
            self.process.kill()
        self.process.wait(_PATIENCE_S)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the log, line by line; a line that is no JSON as its message."""
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                yield {"message": line}

    def tail(self) -> str:
        """Return the end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_QUOTED_LINES:])


@dataclass(slots=True)
class Operators:
    """All replicas of a test run, so that none outlives it and a failed test can quote their logs."""

    kubectl: Kubectl
    folder: Path
    redirect: Callable[[Path], None] = lambda _: None
    """Changes the kubeconfig of a replica before it starts, so that it reaches the API server by another way."""
    replicas: list[Replica] = field(default_factory=list)

    def start(self, *options: str, **settings: str) -> Replica:
        """Start a replica with options; `settings` are its variables, over defaults that suit tests."""
        identity = f"replica-{next(_NUMBERS)}"
        kubeconfig = write_kubeconfig(self.kubectl, self.folder / f"{identity}.kubeconfig")
        credential = _credential(kubeconfig)
        self.redirect(kubeconfig)
        port, log = free_port(), self.folder / f"{identity}.log"
        variables = {"KUBECONFIG": str(kubeconfig), "HOSTNAME": identity, "AIF_HTTP_PORT": str(port), **settings}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "aif", *options],
                cwd=self.folder,
                env=_environment() | variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        replica = Replica(identity, credential, port, log, process)
        self.replicas.append(replica)
        return replica

    def start_leading(self, *options: str, **settings: str) -> Replica:
        """Start a replica and return once it holds the Lease; one that does not come to lead is ended again."""
        replica = self.start(*options, **settings)
        try:
            eventually(lambda: _leads(replica), f"{replica.identity} leads", _LEADING_S)
        except AssertionError:
            replica.kill()
            raise
        return replica

    def end_all(self) -> None:
        """End every replica that still runs; a paused one is killed."""
        for replica in self.replicas:
            if replica.alive:
                replica.send(signal.SIGCONT)
                replica.end()

    def tails(self) -> str:
        """Return the ends of the logs of the replicas that ran last."""
        return "\n\n".join(f"--- {replica.identity}\n{replica.tail()}" for replica in self.replicas[-3:])


def _leads(replica: Replica) -> bool:
    assert replica.alive, f"{replica.identity} ended with {replica.process.returncode}:\n{replica.tail()}"
    return replica.leads


def _environment() -> dict[str, str]:
    """Return what a container would see: nothing of the user's own settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    # The operator of this very checkout, wherever the virtual environment lies.
    return kept | {"PYTHONPATH": str(ROOT / "operator"), "PYTHONSAFEPATH": "1", "AIF_LOG_FORMAT": "json"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _credential(kubeconfig: Path) -> str:
    """Return how the audit log names the token: by the identifier in its payload."""
    token: str = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"]
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"JTI={claims['jti']}"
