"""A server as a process, and the requests that tests send to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[3]
PICTURE: Final = [0.5] * 64
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    port: int
    process: subprocess.Popen[bytes]

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection of a client's own."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Send one request with a connection of its own."""
        with contextlib.closing(self.connect()) as connection:
            return ask(connection, method, path, body)

    def series(self) -> dict[str, float]:
        """Return the values of what the server exposes, by name and labels."""
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    def tell_to_end(self) -> None:
        """Send SIGTERM, as a kubelet does."""
        self.process.send_signal(signal.SIGTERM)

    def ended(self) -> int:
        """Wait for the end, and return the exit status."""
        return self.process.wait(_PATIENCE_S)


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: object = None) -> Answer:
    """Send one request over a connection; a body of bytes as it is, any other as JSON."""
    content = body if body is None or isinstance(body, bytes) else json.dumps(body)
    connection.request(method, path, content)
    answer = connection.getresponse()
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


def environment(**settings: object) -> dict[str, str]:
    """Return the variables of a server with these settings."""
    own = {f"AIF_SERVER_{name.upper()}": str(value) for name, value in settings.items()}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "operator"), "PYTHONSAFEPATH": "1"} | own


@contextlib.contextmanager
def running(**settings: object) -> Iterator[Server]:
    """Run a server with these settings as soon as it is ready; it is killed where the test did not end it."""
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "aif_runtime.roles.server"],
        env=environment(host="127.0.0.1", port=port, **settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    server = Server(port, process)
    try:
        _await_ready(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _await_ready(server: Server) -> None:
    end = time.monotonic() + _PATIENCE_S
    while True:
        assert server.process.poll() is None, "the server ended by itself"
        assert time.monotonic() < end, "the server is not ready in time"
        with contextlib.suppress(OSError):
            if server.ask("GET", "/readyz").status == http.HTTPStatus.OK:
                return
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
