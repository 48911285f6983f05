"""Latency and signalling of a strategy: what users see, and what crosses links because of where it is decided.

A message counts once on each link that it crosses, with its bytes each time; links are those of the way of least
round trip, the radio link included.

* User plane, per request: the input to the node and the answer back.
* Control plane, per service ([AIF]): the filled-in template goes from the user to the instance that decides; that one
  sends the workload to the node and is told that it runs; the answer goes back to the user. The instance at the radio
  site decides for its own site, and passes what the site cannot hold on to the core. Where the core decides for all,
  the template always goes there.

Sizes are those of the messages themselves: the template and the workload as compact JSON, the other two as they
would be written. Headers of the transport, telemetry and retries are left out on both sides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import fmean
from typing import Any, Final

import numpy as np

from aif.api.aiservice import AIService
from melbourne.replay import NOWHERE, Placement, Replay

Json = dict[str, Any]
ANSWER: Final[Json] = {
    "service": "default/service-000",
    "node": "ran-000",
    "address": "10.0.0.1:8080",
    "latencyMicros": 12345,
}
CONFIRMATION: Final[Json] = {"service": "default/service-000", "node": "ran-000", "ready": True}


def strategy(replay: Replay, placement: Placement, *, at_site: bool) -> dict[str, float]:
    """Return latency and signalling of ``placement``, decided at the radio site first or in the core alone."""
    seen = replay.seen(placement)
    latencies = [
        one.latency for one, asked in zip(seen, replay.asked, strict=True) if one and asked.kind.name in INTERACTIVE
    ]
    every = np.concatenate(latencies) if latencies else np.array([np.nan])
    p99 = [float(np.quantile(one, 0.99)) for one in latencies]
    control = [_control(replay, at, node, at_site=at_site) for at, node in enumerate(placement.node) if node != NOWHERE]
    return {
        "placed": float(sum(node != NOWHERE for node in placement.node)),
        "kept": float(sum(one is not None and one.kept for one in seen)),
        "medianMilliseconds": 1e3 * float(np.median(every)),
        "p99Milliseconds": 1e3 * fmean(p99) if p99 else float("nan"),
        **_user_plane(replay, placement),
        "controlMessages": fmean(messages for messages, _ in control) if control else 0.0,
        "controlBytes": fmean(size for _, size in control) if control else 0.0,
    }


INTERACTIVE: Final = ("gate", "camera", "overlay")
"""Kinds whose requests answer in milliseconds, over which latencies are taken."""


def _user_plane(replay: Replay, placement: Placement) -> dict[str, float]:
    """Return link crossings and bytes per request, over all requests of placed services."""
    requests, crossings, carried = 0, 0, 0.0
    for at, node in enumerate(placement.node):
        if node != NOWHERE:
            asked, hops = replay.asked[at], replay.way(at, node).hops
            count = len(asked.load.seconds)
            requests, crossings = requests + count, crossings + 2 * hops * count
            carried += hops * count * (asked.kind.bits + asked.kind.answer_bits) / 8.0
    return {"requestMessages": crossings / max(1, requests), "requestBytes": carried / max(1, requests)}


def _control(replay: Replay, at: int, node: int, *, at_site: bool) -> tuple[float, float]:
    """Return link crossings and bytes to place one service."""
    asked = replay.asked[at]
    core = next(row for row, one in enumerate(replay.network.nodes) if one.spec.tier == "Core")
    deciding = asked.site if at_site and node == asked.site else core
    to_decide = replay.way(at, deciding).hops
    to_node = replay.hops(deciding, node)
    template, workload = size(_spec(asked.service)), size(_workload(asked.service))
    messages = 2 * to_decide + 2 * to_node
    return messages, to_decide * (template + size(ANSWER)) + to_node * (workload + size(CONFIRMATION))


def _spec(service: AIService) -> Json:
    return service.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _workload(service: AIService) -> Json:
    spec = _spec(service)["spec"]
    return {name: spec[name] for name in ("workload", "variants") if name in spec}


def size(message: Json) -> int:
    """Return the bytes of ``message`` as compact JSON."""
    return len(json.dumps(message, separators=(",", ":")).encode())


def mean(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each figure over the seeds."""
    return {key: fmean(row[key] for row in rows) for key in rows[0]}
