"""One round of a group at its server: who learns when, and what the lower parts become."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np

from aif_runtime.learning.arrays import Array, Arrays, Floats, finite, fit
from aif_runtime.learning.averaging import weighted_mean
from aif_runtime.learning.data import Task
from aif_runtime.learning.errors import LearningError, PeerLost, UnfitUpdate
from aif_runtime.learning.learner import Learner, Top
from aif_runtime.learning.losses import Loss
from aif_runtime.twolevel.exchange import Exchange
from aif_runtime.twolevel.terminal import VELOCITY
from aif_runtime.wire.envelope import Frame
from aif_runtime.wire.keyring import KeyRing

MOST_EXAMPLES: Final = 10**9


class Schedule(StrEnum):
    """How the clients of a group take turns."""

    PARALLEL = "Parallel"
    """All at once, a batch of each after the other; their lower parts are averaged."""

    SEQUENTIAL = "Sequential"
    """One after the other; the lower part is handed on."""


class Momentum(StrEnum):
    """What becomes of momentum between two rounds."""

    KEEP = "Keep"
    """It goes on: split learning without federation above."""

    RESET = "Reset"
    """It begins anew, as the averaged model does not follow from it."""


class Interrupted(LearningError):
    """The round has to be done again, with other streams."""


@dataclass(slots=True, eq=False)
class ClientStream:
    """A client as its server knows it: by a pseudonym, for one epoch."""

    pseudonym: str
    turn: int
    exchange: Exchange
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Invitation:
    """What the routine manager settled for one epoch, and the keys for it where frames are encrypted."""

    epoch: int = 0
    cut: str = ""
    k: int = 1
    clients: int = 1
    ring: KeyRing | None = None
    started: bool = False


@dataclass(slots=True, eq=False)
class LowerRound:
    """A round of one group as it goes on.

    Attributes:
        turn: Its number.
        invited: What was settled for this epoch.
        learner: The model.
        top: Its part above the cut.
        task: What is learned.
        schedule: How clients take turns.
        momentum: What becomes of momentum between two rounds.
        give_up: Lets a stream go, with what was wrong.
        holds: Whether the epoch still goes on.
        frames: How many have come.
        bottoms: Lower part and number of examples of each client that has finished.
        handed: What momentum of the lower part is handed on.
    """

    turn: int
    invited: Invitation
    learner: Learner
    top: Top
    task: Task
    schedule: Schedule
    momentum: Momentum
    give_up: Callable[[ClientStream, Exception], Awaitable[None]]
    holds: Callable[[], bool]
    frames: int = 0
    bottoms: list[tuple[Arrays, int]] = field(default_factory=list)
    handed: Arrays = field(default_factory=dict)
    _losses: list[tuple[float, int]] = field(default_factory=list)

    @property
    def loss(self) -> float:
        """Mean loss over all examples."""
        return sum(loss * count for loss, count in self._losses) / max(1, sum(count for _, count in self._losses))

    def combined(self) -> Arrays:
        """Return the lower part that follows from all clients: their mean, or the last one's."""
        if self.schedule is Schedule.SEQUENTIAL:
            return self.bottoms[-1][0]
        return weighted_mean([arrays for arrays, _ in self.bottoms], [examples for _, examples in self.bottoms])

    def _lower(self) -> Arrays:
        return self.learner.bottom(self.invited.cut).state

    async def together(self, streams: Sequence[ClientStream]) -> None:
        """Let all learn at once: a batch of each, one after the other, until all have finished."""
        began = Frame("round", config={"round": self.turn, "momentum": self.momentum}, arrays=self._lower())
        active = await self._of_all(streams, [self._sent(stream, began) for stream in streams])
        finished: dict[int, tuple[Arrays, int]] = {}
        while active:
            self._enough(len(active) + len(finished))
            frames: dict[int, Frame] = {}
            active = await self._of_all(active, [self._received(stream, frames) for stream in active])
            for stream in list(active):
                if not await self._step(stream, frames[stream.turn], finished):
                    active.remove(stream)
        self.bottoms = [finished[turn] for turn in sorted(finished)]

    async def _step(self, stream: ClientStream, frame: Frame, finished: dict[int, tuple[Arrays, int]]) -> bool:
        """Act on one frame; return whether the client goes on."""
        try:
            if frame.kind == "bottom":
                finished[stream.turn] = self._finished(frame)
                return False
            await self._learned(stream, frame)
        except LearningError as error:
            await self.give_up(stream, error)
            return False
        return True

    async def in_turn(self, streams: Sequence[ClientStream], velocity: Arrays) -> None:
        """Let one learn after the other, each from where the one before has ended."""
        lower, self.handed = self._lower(), velocity
        left = len(streams)
        for stream in streams:
            self._enough(left)
            config = {"round": self.turn, "momentum": "Given", "handOn": True}
            given = {f"{VELOCITY}{name}": array for name, array in self.handed.items()}
            try:
                await stream.exchange.send(Frame("round", config=config, arrays={**lower, **given}))
                while (frame := await self._next(stream)).kind != "bottom":
                    await self._learned(stream, frame)
                self.bottoms.append(self._finished(frame))
            except LearningError as error:
                # What it changed in the upper part stays; its lower part is not handed on.
                await self.give_up(stream, error)
                left -= 1
                continue
            lower = self.bottoms[-1][0]
            like = {f"{VELOCITY}{name}": array for name, array in lower.items()}
            passed = {name: array for name, array in frame.arrays.items() if name in like}
            self.handed = {name.removeprefix(VELOCITY): array for name, array in passed.items()}

    async def _learned(self, stream: ClientStream, frame: Frame) -> None:
        activations, labels = judged(frame, self.top.shape, self.task)
        gradient, loss = await asyncio.to_thread(self.top.learn, activations, labels)
        self._losses.append((loss, len(labels)))
        await stream.exchange.send(Frame("gradient", metrics={"loss": loss}, arrays={"g": gradient}))

    def _finished(self, frame: Frame) -> tuple[Arrays, int]:
        given = {name: array for name, array in frame.arrays.items() if not name.startswith(VELOCITY)}
        examples = int(frame.metrics.get("examples", 0))
        if not 0 < examples <= MOST_EXAMPLES:
            raise UnfitUpdate("metrics.examples must be a whole number from 1")
        return fit(given, self._lower()), examples

    def _enough(self, count: int) -> None:
        if not self.holds() or count < self.invited.k:
            raise Interrupted(f"{count} clients are left, {self.invited.k} are needed")

    async def _sent(self, stream: ClientStream, frame: Frame) -> None:
        await stream.exchange.send(frame)

    async def _received(self, stream: ClientStream, frames: dict[int, Frame]) -> None:
        frames[stream.turn] = await self._next(stream)

    async def _next(self, stream: ClientStream) -> Frame:
        """Return the next frame of a stream, unless that has ended meanwhile."""
        receiving = asyncio.ensure_future(stream.exchange.receive())
        ended = asyncio.ensure_future(stream.ended.wait())
        await asyncio.wait((receiving, ended), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not receiving.done():
            receiving.cancel()
            raise PeerLost("the stream has ended")
        self.frames += 1
        return receiving.result()

    async def _of_all(self, streams: Sequence[ClientStream], work: Sequence[Awaitable[None]]) -> list[ClientStream]:
        """Wait for the work of all streams; return those that it went well with."""
        results = await asyncio.gather(*work, return_exceptions=True)
        going = []
        for stream, result in zip(streams, results, strict=True):
            if isinstance(result, Exception):
                await self.give_up(stream, result)
            else:
                going.append(stream)
        return going


def judged(frame: Frame, shape: tuple[int, ...], task: Task) -> tuple[Floats, Array]:
    """Return the activations and labels of a frame; UnfitUpdate where they do not fit."""
    a, y = frame.arrays.get("a"), frame.arrays.get("y")
    if frame.kind != "activations" or a is None or y is None:
        raise UnfitUpdate(f"activations a and labels y were expected, {frame.kind!r} came")
    if a.dtype != np.float32 or a.shape[1:] != shape or not len(a) or len(a) != len(y):
        raise UnfitUpdate(
            f"the activations have the shape {a.shape}, (examples, {', '.join(map(str, shape))}) is needed"
        )
    if task.loss is Loss.CROSS_ENTROPY:
        if y.dtype != np.int64 or y.ndim != 1 or y.min() < 0 or y.max() >= task.outputs:
            raise UnfitUpdate(f"the labels must be whole numbers from 0 to {task.outputs - 1}")
    elif y.dtype != np.float32 or y.shape[1:] != (task.outputs,):
        raise UnfitUpdate(f"the labels have the shape {y.shape}, (examples, {task.outputs}) is needed")
    return np.array(finite("a", a)), finite("y", y)
