"""A terminal: it consents or not, has the lower part of the model, and keeps its data."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from aif_runtime.learning.arrays import Arrays, copied, finite
from aif_runtime.learning.data import Examples
from aif_runtime.learning.errors import BackendMissing, LearningError, PeerRefused
from aif_runtime.learning.learner import Bottom, Learner, Plan, shows_data
from aif_runtime.learning.training import Turn, batches
from aif_runtime.twolevel.exchange import Exchange
from aif_runtime.twolevel.forwarding import DATA
from aif_runtime.wire.credentials import Tls
from aif_runtime.wire.envelope import Frame, Json, Limits
from aif_runtime.wire.keyring import KeyRing
from aif_runtime.wire.peer import Peer
from aif_runtime.wire.streams import Pipe, channel, dial

log = logging.getLogger(__name__)
VELOCITY = "velocity/"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a terminal tells of itself.

    Attributes:
        consent: Whether it takes part.
        compute: FLOP/s that it spares.
        energy: Joules that it spares.
        link: Bit/s to its radio site.
        raw_input_allowed: Whether its raw data may leave it.
    """

    consent: bool = True
    compute: float = 1e9
    energy: float = 0.0
    link: float = 1e8
    raw_input_allowed: bool = False

    def told(self, *, consent: bool) -> Json:
        """Return it as the answer to an announcement."""
        return {
            "consent": consent,
            "compute": self.compute,
            "energy": self.energy,
            "link": self.link,
            "rawInputAllowed": self.raw_input_allowed,
        }


Direct = Callable[[Json], Coroutine[Any, Any, None]]


@dataclass(slots=True, eq=False)
class Terminal:
    """One terminal.

    Attributes:
        learner: The model, of which it uses the part below the cut.
        examples: Its own data.
        plan: How to learn.
        seed: Of the job.
        index: Number of the terminal, for the order of its batches.
        offer: What it tells of itself.
        routine: Identifier of the job.
        limits: What is refused unread.
        tls: For the stream of data; None for no TLS.
        direct: Takes part at the aggregator itself, where the group has the whole model on the terminal.
        finished: Set once the job is done.
    """

    learner: Learner
    examples: Examples
    plan: Plan
    seed: int
    index: int
    offer: Offer
    routine: str
    limits: Limits
    tls: Tls | None
    direct: Direct
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    consents: bool = True
    _work: asyncio.Task[None] | None = None
    _began: dict[int, Arrays] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.consents = self.offer.consent

    async def answer(self, peer: Peer, request: Frame) -> Frame:
        """Answer the access manager."""
        del peer
        match request.kind:
            case "announce":
                return request.answer("consent", config=self.offer.told(consent=self.consents))
            case "invite":
                return self._invited(request)
            case "finish":
                self.leave()
                asyncio.get_running_loop().call_later(0.2, self.finished.set)
                return request.answer("finished")
        raise PeerRefused("UnknownRequest", f"a terminal knows no {request.kind!r}")

    async def withdraw(self, access: Peer, *, consent: bool = False) -> None:
        """Withdraw the consent, or give it anew; nothing is sent from the moment of this call on."""
        self.consents = consent
        if not consent:
            self.leave()
        await access.request("consent", config=self.offer.told(consent=consent))

    def leave(self) -> None:
        """End the stream of data."""
        if self._work:
            self._work.cancel()

    def _invited(self, request: Frame) -> Frame:
        told = request.config
        if not self.consents:
            return request.answer("decline", config={"reason": "NoConsent"})
        if shows_data(self.learner.layers, str(told.get("cut"))) and not self.offer.raw_input_allowed:
            return request.answer("decline", config={"reason": "RawInputRefused"})
        if told.get("cut") not in (*self.learner.cuts, *(layer.name for layer in self.learner.layers)):
            return request.answer("decline", config={"reason": "UnknownCut"})
        try:
            ring = KeyRing.made(told.get("reencryption"), at_the_server=False)
        except BackendMissing as error:
            log.warning("Declined an invitation", extra={"why": str(error)})
            return request.answer("decline", config={"reason": "BackendMissing"})
        self.leave()
        self._work = asyncio.create_task(self._take_part(dict(told), ring))
        return request.answer("accept", config={"publicKey": ring.own.public.hex() if ring else ""})

    async def _take_part(self, told: Json, ring: KeyRing | None) -> None:
        try:
            if told.get("direct"):
                await self.direct(told)
            else:
                await self._exchange(told, ring)
        except LearningError as error:
            log.info("The stream of data ended", extra={"epoch": told.get("epoch"), "why": str(error)})

    async def _exchange(self, told: Json, ring: KeyRing | None) -> None:
        async with channel(str(told["forwarding"]), self.tls) as link:
            pipe = Pipe(dial(link, DATA, {"ticket": str(told["ticket"])}), self.limits.frame_bytes)
            exchange = Exchange.of_client(pipe, self.routine, int(told["epoch"]), self.limits, ring)
            bottom = self.learner.bottom(str(told["cut"]))
            while True:
                frame = await exchange.receive()
                if frame.kind != "round":
                    raise PeerRefused("UnknownRequest", f"a round was expected, {frame.kind!r} came")
                await self._round(exchange, bottom, frame)

    async def _round(self, exchange: Exchange, bottom: Bottom, frame: Frame) -> None:
        turn = Turn(self.seed, self.index, int(frame.config["round"]))
        self._prepare(bottom, frame, turn.round)
        for rows in batches(len(self.examples), self.plan, turn):
            part = self.examples.at(rows)
            activations = await asyncio.to_thread(bottom.forward, part.x)
            await exchange.send(Frame("activations", arrays={"a": activations, "y": part.y}))
            gradient = (await exchange.receive()).arrays["g"]
            if gradient.shape != activations.shape:
                raise PeerRefused("InvalidRequest", "the gradient has another shape than the activations")
            await asyncio.to_thread(bottom.backward, finite("g", gradient))
        handed_on = (
            {f"{VELOCITY}{name}": array for name, array in bottom.velocity.items()}
            if frame.config.get("handOn")
            else {}
        )
        metrics = {"examples": float(len(self.examples))}
        await exchange.send(Frame("bottom", metrics=metrics, arrays={**bottom.state, **handed_on}))

    def _prepare(self, bottom: Bottom, frame: Frame, turn: int) -> None:
        """Begin a round; one that is done again begins as it did the first time."""
        given = {
            name.removeprefix(VELOCITY): array for name, array in frame.arrays.items() if name.startswith(VELOCITY)
        }
        match frame.config.get("momentum"):
            case "Keep":
                velocity = self._began.setdefault(turn, copied(bottom.velocity))
                self._began = {turn: velocity}
            case "Given":
                velocity = given
            case _:
                velocity = {}
        bottom.load({name: array for name, array in frame.arrays.items() if not name.startswith(VELOCITY)})
        bottom.remember(velocity)
