"""Runs a plan: sends what is due when it is due, and counts what comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from load.clients import Ended, Sender, sender
from load.plan import Client, Lane, Plan, due
from load.tally import Failure, Tally

_MOST_RECORDS = 2_000
"""Of each way to fail that each kind of clients met, so that what is frequent hides nothing that is rare."""


@dataclass(slots=True)
class Course:
    """A plan as it runs; `records` tell of each failure when, on what and how."""

    plan: Plan
    tallies: dict[Client, Tally] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    _open: set[asyncio.Task[None]] = field(default_factory=set)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def sent(self) -> int:
        """How many requests were due so far."""
        return sum(tally.sent for tally in self.tallies.values())

    @property
    def failed(self) -> int:
        """How many of them failed so far."""
        return sum(tally.failed for tally in self.tallies.values())

    def stop(self) -> None:
        """Send nothing more; what is open is waited for."""
        self._over.set()

    async def run(self) -> None:
        """Run to the end of the plan, or to `stop`, and until all that was sent has ended."""
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            senders = [await stack.enter_async_context(sender(lane, self.plan)) for lane in self.plan.lanes]
            begun = loop.time()
            async with asyncio.TaskGroup() as group:
                for number, each in enumerate(senders):
                    # Lanes of one rate are set apart, so that they do not all send at one instant.
                    group.create_task(self._drive(each, (number + 0.5) / len(senders), begun))
            self.seconds = loop.time() - begun
            if self._open:
                await asyncio.wait(self._open)

    async def _drive(self, each: Sender, offset: float, begun: float) -> None:
        loop, tally = asyncio.get_running_loop(), self.tallies.setdefault(each.lane.client, Tally())
        for at in due(each.lane, offset, self.plan.seconds, self.plan.arrivals):
            moment = begun + at
            if (pause := moment - loop.time()) > 0 and await self._is_over(pause):
                return
            if self._over.is_set():
                return
            tally.sent += 1
            if len(self._open) >= self.plan.most_open:
                self._note(each.lane, tally, Ended(Failure.NOT_SENT))
                continue
            task = loop.create_task(self._send(each, tally, moment))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def _is_over(self, pause: float) -> bool:
        """Wait so long; True where `stop` was called meanwhile. Sleeping is cheaper than waiting for an event."""
        if pause < 1.0:
            await asyncio.sleep(pause)
            return self._over.is_set()
        try:
            async with asyncio.timeout(pause):
                await self._over.wait()
        except TimeoutError:
            return False
        return True

    async def _send(self, each: Sender, tally: Tally, moment: float) -> None:
        clock = asyncio.get_running_loop().time
        tally.late.add(clock() - moment)
        ended = await each.send()
        if ended.failure is not None:
            self._note(each.lane, tally, ended)
        elif ended.cut:
            tally.cut += 1
        else:
            tally.succeeded += 1
            tally.latencies.add(clock() - moment)

    def _note(self, lane: Lane, tally: Tally, ended: Ended) -> None:
        failure = ended.failure or Failure.OTHER
        tally.failures[failure] += 1
        if tally.failures[failure] <= _MOST_RECORDS:
            told = {"client": lane.client.value, "url": lane.url, "failure": failure.value, "detail": ended.detail}
            self.records.append({"time": round(time.time(), 3), **told})


async def report(course: Course, every_seconds: float, say: Callable[[str], None]) -> None:
    """Say how far a course is, again and again."""
    begun = time.monotonic()
    while True:
        await asyncio.sleep(every_seconds)
        say(f"{time.monotonic() - begun:.0f} s: {course.sent} requests sent, {course.failed} failed")


def told(course: Course) -> dict[str, Any]:
    """Return the result for JSON."""
    return {
        "seconds": round(course.seconds, 3),
        "sent": course.sent,
        "failed": course.failed,
        "clients": {client.value: tally.told() for client, tally in sorted(course.tallies.items())},
    }


def rows(course: Course) -> Iterable[tuple[str, ...]]:
    """Yield a row per kind of clients for a table."""
    for client, tally in sorted(course.tallies.items()):
        times = tally.latencies.told()
        kinds = ", ".join(f"{count} {failure}" for failure, count in sorted(tally.failures.items()))
        shown = (f"{times[name]:.1f}" if name in times else "" for name in ("p50", "p99", "max"))
        yield (client.value, str(tally.sent), str(tally.succeeded), str(tally.cut), kinds or "0", *shown)
