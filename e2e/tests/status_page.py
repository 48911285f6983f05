"""The status page of a training job whose pods are only simulated: what it says is scripted."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Final

from rest import Json, Rest, eventually

PORT: Final = 7071
_ADDRESSES: Final = count(10)


class Page:
    """One status page, at an address of its own on this machine."""

    def __init__(self) -> None:
        # Runs side by side on one machine have addresses of their own.
        self.address = f"127.77.{os.getpid() % 256}.{next(_ADDRESSES)}"
        self.told: Json = {}

    def says(self, phase: str, **fields: Any) -> None:
        """Have the job say this of itself from now on."""
        self.told = {"phase": phase, "rounds": 20, "epoch": 1, **fields}

    def lead(self, rest: Rest, namespace: str, job: str, role: str = "aggregator") -> None:
        """Give the pod of the leading role the address of this page, once it runs."""

        def pod() -> Json | None:
            pods = rest.list("pods", namespace, **{"net4ai.io/job": job, "net4ai.io/role": role})
            running = [one for one in pods if one.get("status", {}).get("phase") == "Running"]
            return next((one for one in running if "deletionTimestamp" not in one["metadata"]), None)

        found = eventually(pod, f"a pod {role} of {job} runs")
        status = {"status": {"podIP": self.address, "podIPs": [{"ip": self.address}]}}
        rest.patch("pods", found["metadata"]["name"], status, namespace, part="status")


@contextmanager
def serving() -> Iterator[Page]:
    """Serve a page while the block runs."""
    page = Page()

    class Handler(BaseHTTPRequestHandler):
        """Answers one connection."""

        def do_GET(self) -> None:
            """Answer a GET."""
            body = json.dumps(page.told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((page.address, PORT), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield page
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
