"""Clients of a federated job that send what no model can use, each of another kind, until they are excluded.

Usage: `python garbage_clients.py ADDRESS JOB`, without TLS; a line per client that was let go, with why.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from aif_runtime.learning.errors import JobFailed
from aif_runtime.wire.envelope import Frame
from aif_runtime.wire.member import Member
from aif_runtime.wire.peer import Peer

_HUGE: Final = 80_000_000
"""Numbers of four bytes: more than the 256 MiB that a frame may have."""


def _with(frame: Frame, **arrays: np.ndarray) -> Frame:
    return replace(frame, arrays={**frame.arrays, **arrays})


KINDS: Final[Mapping[str, Callable[[Frame], Frame]]] = {
    "garbage-shape": lambda frame: _with(frame, **{"fc1.bias": np.zeros(3, dtype=np.float32)}),
    "garbage-nan": lambda frame: _with(frame, **{"fc1.bias": np.full(128, np.nan, dtype=np.float32)}),
    "garbage-huge": lambda frame: _with(frame, x=np.zeros(_HUGE, dtype=np.float32)),
    "garbage-epoch": lambda frame: replace(frame, epoch=0),
}
"""What each client does to the model before it sends it back."""


async def attend(address: str, job: str, name: str) -> None:
    """Be one client until the aggregator lets it go."""

    async def answer(peer: Peer, request: Frame) -> Frame:
        del peer
        if request.kind != "train":
            return request.answer("finished")
        config, metrics = {"round": request.config["round"]}, {"examples": 100.0, "loss": 0.5}
        return KINDS[name](request.answer("trained", config=config, metrics=metrics, arrays=request.arrays))

    hub = Peer(address, answer, routine=job)
    try:
        await Member(name, address, "Federation", hub, None, {"role": "client"}).stay()
    except JobFailed as refused:
        print(f"{name}: {refused}", flush=True)


async def attend_all(address: str, job: str) -> None:
    """Be a client of each kind."""
    await asyncio.gather(*(attend(address, job, name) for name in KINDS))


if __name__ == "__main__":
    asyncio.run(attend_all(sys.argv[1], sys.argv[2]))
