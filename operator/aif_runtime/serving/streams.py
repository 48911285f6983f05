"""A stream of chunks as server-sent events, such as the tokens of a language model."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
from starlette.datastructures import QueryParams

from aif_runtime.serving.draining import Ending
from aif_runtime.serving.engine import Engine
from aif_runtime.serving.errors import InvalidRequest
from aif_runtime.serving.messages import Values
from aif_runtime.serving.metrics import Exposition

MOST_CHUNKS = 100_000
LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How many chunks, and the seconds between two."""

    chunks: int
    interval: float

    @classmethod
    def of(cls, query: QueryParams) -> Pace:
        """Return the pace that a query asks for; InvalidRequest names the parameter that is wrong."""
        return cls(
            int(_number(query, "chunks", "10", 1, MOST_CHUNKS, whole=True)),
            _number(query, "interval", "0.1", 0, LONGEST_PAUSE_S),
        )


def _number(query: QueryParams, name: str, default: str, least: float, most: float, *, whole: bool = False) -> float:
    text = query.get(name, default)
    try:
        value = float(int(text) if whole else float(text))
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        kind = "whole number" if whole else "number"
        raise InvalidRequest(f"{text!r} is no {kind} from {least:g} to {most:g}", name)
    return value


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: the model is run anew for every chunk."""

    engine: Engine
    metrics: Exposition
    ending: Ending
    pace: Pace
    values: Values
    begun: float

    async def events(self) -> AsyncIterator[bytes]:
        """Yield the chunks, and an event `end` that says whether all were sent or the server ended before."""
        self.metrics.streams.inc()
        try:
            for number in range(self.pace.chunks):
                outputs = await self.engine.infer(self.values)
                if number == 0:
                    self.metrics.first_chunk.observe(time.perf_counter() - self.begun)
                self.metrics.operations.inc(self.engine.flops_per_request)
                yield _event("chunk", {"number": number, "output": outputs[0].ravel().tolist()})
                if number + 1 < self.pace.chunks and await self.ending.pause(self.pace.interval):
                    self.metrics.cut_streams.inc()
                    yield _event("end", {"chunks": number + 1, "reason": "ServerEnds"})
                    return
            yield _event("end", {"chunks": self.pace.chunks, "reason": "Complete"})
        finally:
            self.metrics.streams.dec()
            self.metrics.stream_seconds.observe(time.perf_counter() - self.begun)


def _event(kind: str, content: dict[str, object]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(content) + b"\n\n"
