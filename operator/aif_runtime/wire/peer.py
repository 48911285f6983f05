"""The other side of a conversation. It outlives its streams: what was asked is asked again after a lost connection."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from aif_runtime.learning.arrays import Arrays
from aif_runtime.learning.errors import LearningError, MalformedFrame, PeerLost, PeerRefused
from aif_runtime.wire.envelope import Frame, Json, Limits, decode, encode
from aif_runtime.wire.idempotence import Inbox, Verdict
from aif_runtime.wire.streams import Pipe

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds.

    Attributes:
        heartbeat: Between two signs of life.
        patience: Without any sign of life until the other side counts as lost.
        reconnect: Until a lost server is dialled again.
    """

    heartbeat: float = 2.0
    patience: float = 10.0
    reconnect: float = 0.2


@dataclass(slots=True)
class _Pending:
    request: Frame
    answer: asyncio.Future[Frame]
    pipe: Pipe | None = None


Handler = Callable[["Peer", Frame], Awaitable[Frame]]


async def unanswered(peer: Peer, request: Frame) -> Frame:
    """Refuse a request: what answers has yet to be set."""
    raise PeerRefused("UnknownRequest", f"{peer.name} asked for {request.kind!r}, which nobody answers here")


@dataclass(slots=True, eq=False)
class Peer:
    """Requests and answers with one other side, both of which may ask.

    Attributes:
        name: What the other side calls itself.
        handler: Answers its requests.
        timing: When it counts as lost.
        limits: What of it is refused unread.
        routine: Identifier of the job or routine that it is about.
        epoch: Of this conversation; a server that starts anew begins a higher one.
        info: What it told of itself when it attached.
    """

    name: str
    handler: Handler
    timing: Timing = field(default_factory=Timing)
    limits: Limits = field(default_factory=Limits)
    routine: str = ""
    epoch: int = 0
    info: Json = field(default_factory=dict)
    _pipe: Pipe | None = None
    _sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    _pending: dict[int, _Pending] = field(default_factory=dict)
    _inbox: Inbox = field(default_factory=Inbox)
    _seqs: itertools.count[int] = field(default_factory=itertools.count)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def attached(self) -> bool:
        """Whether there is a stream right now."""
        return self._pipe is not None

    async def request(
        self,
        kind: str,
        *,
        config: Json | None = None,
        metrics: Mapping[str, float] | None = None,
        arrays: Arrays | None = None,
        seconds: float | None = None,
    ) -> Frame:
        """Ask, and return the answer; without a stream the request waits for the next one.

        Raises:
            TimeoutError: There is no answer after so many seconds.
            PeerRefused: The answer is that it will not, or cannot.
        """
        request = Frame(
            kind, self.routine, self.epoch, next(self._seqs), None, config or {}, metrics or {}, arrays or {}
        )
        pending = _Pending(request, asyncio.get_running_loop().create_future())
        self._pending[request.seq] = pending
        try:
            async with asyncio.timeout(seconds):
                pending.pipe = self._pipe
                await self._try_to_send(request)
                answer = await pending.answer
        finally:
            self._pending.pop(request.seq, None)
        if answer.kind == "error":
            raise PeerRefused(str(answer.config.get("reason", "")), str(answer.config.get("message", "")))
        return answer

    def attach(self, pipe: Pipe) -> None:
        """Take a stream as the one to talk over; one from before is given up."""
        self._pipe = pipe

    async def converse(self, pipe: Pipe) -> None:
        """Talk over a stream until it ends.

        Raises:
            PeerLost: The stream has ended, or the other side is silent.
            MalformedFrame: It sent what is no frame.
        """
        self.attach(pipe)
        work = [self._beat(pipe), self._watch(pipe), self._listen(pipe), self._until_closed()]
        for pending in [one for one in self._pending.values() if one.pipe is not pipe]:
            pending.request, pending.pipe = replace(pending.request, epoch=self.epoch), pipe
            work.append(self._send(pipe, pending.request))
        # No task group: one that fails at the moment when it is cancelled would forget that it was.
        tasks = [asyncio.create_task(one) for one in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            if self._pipe is pipe:
                self._pipe = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    def begin_epoch(self, epoch: int) -> None:
        """Begin a new conversation, unless it is the one that goes on."""
        if epoch != self.epoch:
            self.epoch = epoch
            self._inbox = Inbox(epoch)

    def restarted(self) -> None:
        """Take note that the other side is a new process, which counts its requests from 0 again."""
        self._inbox = Inbox(self.epoch)

    def close(self) -> None:
        """Give up: the stream ends, and what was asked fails."""
        self._closed.set()
        for task in self._tasks:
            task.cancel()
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(PeerLost(f"{self.name} is gone"))

    async def _try_to_send(self, frame: Frame) -> None:
        if self._pipe is not None:
            with contextlib.suppress(PeerLost):
                await self._send(self._pipe, frame)

    async def _send(self, pipe: Pipe, frame: Frame) -> None:
        message = encode(frame)
        async with self._sending:
            await pipe.send(message)

    async def _beat(self, pipe: Pipe) -> None:
        while True:
            await self._send(pipe, Frame("heartbeat", self.routine, self.epoch))
            await asyncio.sleep(self.timing.heartbeat)

    async def _watch(self, pipe: Pipe) -> None:
        seen = -1
        while seen != pipe.last_piece:
            seen = pipe.last_piece
            await asyncio.sleep(self.timing.patience)
        raise PeerLost(f"{self.name} was silent for {self.timing.patience:g} s")

    async def _until_closed(self) -> None:
        await self._closed.wait()
        raise PeerLost(f"{self.name} was let go")

    async def _listen(self, pipe: Pipe) -> None:
        while True:
            frame = decode(await pipe.receive(), self.limits)
            if self._pipe is not pipe:
                raise PeerLost(f"{self.name} attached anew")
            if frame.epoch != self.epoch:
                raise MalformedFrame(f"a frame of epoch {frame.epoch} came, this is epoch {self.epoch}")
            if frame.kind == "heartbeat":
                continue
            if frame.reply_to is not None:
                self._settle(frame)
            else:
                await self._take(frame)

    def _settle(self, answer: Frame) -> None:
        pending = self._pending.get(answer.reply_to if answer.reply_to is not None else -1)
        if pending and not pending.answer.done():
            pending.answer.set_result(answer)

    async def _take(self, request: Frame) -> None:
        match self._inbox.judge(request):
            case Verdict.NEW:
                task = asyncio.create_task(self._act(request))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case Verdict.ANSWERED:
                answer = self._inbox.answer(request)
                if answer is not None:
                    await self._try_to_send(answer)
            case Verdict.RUNNING | Verdict.OLD:
                log.debug("Dropped a repeated request", extra={"peer": self.name, "kind": request.kind})

    async def _act(self, request: Frame) -> None:
        try:
            answer = await self.handler(self, request)
        except PeerRefused as error:
            answer = refusal(request, error.reason, str(error))
        except LearningError as error:
            answer = refusal(request, type(error).__name__, str(error))
        except Exception as error:
            log.exception("Failed to answer", extra={"peer": self.name, "kind": request.kind})
            answer = refusal(request, "Failed", f"{type(error).__name__}: {error}")
        self._inbox.answered(request, answer)
        if request.epoch == self.epoch:  # whoever asked in an earlier epoch does not wait any more
            await self._try_to_send(answer)


def refusal(request: Frame, reason: str, message: str) -> Frame:
    """Return the answer that something will not, or cannot be done."""
    return request.answer("error", config={"reason": reason, "message": message[:1000]})
