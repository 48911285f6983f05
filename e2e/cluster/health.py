"""Whether the parts of a cluster live and are ready."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path

from cluster.errors import PartDied
from cluster.parts import Health
from cluster.paths import Layout
from cluster.process import find
from cluster.record import PartRecord

_PROBE_TIMEOUT_S = 2.0
_PAUSE_S = 0.1
_QUOTED_LINES = 6
_QUOTED_WIDTH = 240


class PartState(StrEnum):
    """How a part is."""

    READY = "ready"
    NOT_READY = "not ready"
    DEAD = "dead"


def state(part: PartRecord, layout: Layout) -> PartState:
    """Dead without its process, else what its health address says."""
    if find(part.identity) is None:
        return PartState.DEAD
    return PartState.READY if part.health is None or is_ready(part.health, layout) else PartState.NOT_READY


def is_ready(health: Health, layout: Layout) -> bool:
    """Whether the address answers 200, asked with the administrator's certificate."""
    connection = _connection(health, layout)
    try:
        connection.request("GET", health.path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _connection(health: Health, layout: Layout) -> http.client.HTTPConnection:
    if not health.tls:
        return http.client.HTTPConnection(health.host, health.port, timeout=_PROBE_TIMEOUT_S)
    context = ssl.create_default_context(cafile=str(layout.certificates / "ca.crt"))
    context.load_cert_chain(layout.certificates / "admin.crt", layout.certificates / "admin.key")
    return http.client.HTTPSConnection(health.host, health.port, timeout=_PROBE_TIMEOUT_S, context=context)


def await_ready(parts: Sequence[PartRecord], layout: Layout, patience_s: float) -> None:
    """Wait until all of these are ready; PartDied as soon as one ends, or is not ready after `patience_s`."""
    waiting = list(parts)
    await_fact(lambda: not _unready(waiting, layout), lambda: _late(waiting[0].name, layout), patience_s)


def await_default_account(apiserver: Health, layout: Layout, patience_s: float) -> None:
    """Wait until the namespace `default` accepts pods: until the controllers have made its service account."""
    account = replace(apiserver, path="/api/v1/namespaces/default/serviceaccounts/default")
    await_fact(lambda: is_ready(account, layout), lambda: _late("kube-controller-manager", layout), patience_s)


def await_fact(fact: Callable[[], bool], late: Callable[[], Exception], patience_s: float) -> None:
    """Wait until `fact` holds; raise what `late` words after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while not fact():
        if time.monotonic() > deadline:
            raise late()
        time.sleep(_PAUSE_S)


def _unready(waiting: list[PartRecord], layout: Layout) -> list[PartRecord]:
    for part in tuple(waiting):
        match state(part, layout):
            case PartState.DEAD:
                raise died(part.name, layout.log(part.name))
            case PartState.READY:
                waiting.remove(part)
            case PartState.NOT_READY:
                pass
    return waiting


def _late(part: str, layout: Layout) -> PartDied:
    """The error for a part that lives but has not become ready."""
    log = layout.log(part)
    return PartDied(part, log, last_lines(log), fact="did not become ready in time")


def died(part: str, log: Path) -> PartDied:
    """The error for a part that ended by itself."""
    return PartDied(part, log, last_lines(log))


def last_lines(log: Path, count: int = _QUOTED_LINES) -> tuple[str, ...]:
    """The end of a log; of a Go crash the line that says why, not the goroutines below it."""
    try:
        lines = [line.rstrip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except FileNotFoundError:
        return ()
    crash = next((number for number, line in enumerate(lines) if line.startswith(("panic:", "fatal error:"))), None)
    end = len(lines) if crash is None else crash + 1
    return tuple(_shortened(line) for line in lines[max(0, end - count) : end])


def _shortened(line: str) -> str:
    return line if len(line) <= _QUOTED_WIDTH else f"{line[:_QUOTED_WIDTH]}..."
