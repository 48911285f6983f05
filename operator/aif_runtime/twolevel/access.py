"""The access manager: it asks terminals for consent, forgets those who withdraw it, and carries invitations."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from aif_runtime.learning.errors import LearningError, PeerRefused
from aif_runtime.wire.envelope import Frame, Json
from aif_runtime.wire.hub import Hub
from aif_runtime.wire.peer import Peer

log = logging.getLogger(__name__)
_ASK_SECONDS = 60.0
_GOODBYE = 5.0


@dataclass(slots=True, eq=False)
class AccessManager:
    """Consent to one job.

    Attributes:
        hub: Where terminals attach.
        manager: The routine manager.
        job: What terminals are told of the job.
        finished: Set once the job is done.
    """

    hub: Hub
    manager: Peer
    job: Json
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    _consents: dict[str, dict[str, Any]] = field(default_factory=dict)
    _withdrawn: set[str] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _asking: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.hub.came = self._came
        self.hub.went = self._went

    async def report(self) -> None:
        """Tell the routine manager who consents and is there, whenever that changes; never ends."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            there = {
                peer.name: self._consents[peer.name] for peer in self.hub.attached() if peer.name in self._consents
            }
            try:
                told = {"terminals": there, "withdrawn": sorted(self._withdrawn)}
                await self.manager.request("roster", config=told, seconds=_ASK_SECONDS)
            except (LearningError, TimeoutError) as error:
                log.warning("Failed to report the roster", extra={"why": str(error)})
                self._changed.set()
                await asyncio.sleep(self.hub.timing.reconnect)

    def again(self) -> None:
        """Report once more, such as to a manager that has started anew."""
        self._changed.set()

    def _came(self, peer: Peer) -> None:
        task = asyncio.create_task(self._announce(peer))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def _went(self, peer: Peer) -> None:
        del peer
        self._changed.set()

    async def _announce(self, peer: Peer) -> None:
        try:
            answer = await peer.request("announce", config=self.job, seconds=_ASK_SECONDS)
        except (LearningError, TimeoutError) as error:
            log.info("Got no answer about consent", extra={"peer": peer.name, "why": str(error)})
            return
        self._note(peer.name, answer.config)

    def _note(self, name: str, told: Json) -> None:
        if told.get("consent") is True:
            self._withdrawn.discard(name)
            self._consents[name] = {
                key: told[key] for key in ("compute", "energy", "rawInputAllowed", "link") if key in told
            }
        else:
            self._consents.pop(name, None)
            self._withdrawn.add(name)
        log.info("Noted consent" if name in self._consents else "Noted that there is no consent", extra={"peer": name})
        self._changed.set()

    async def from_terminal(self, peer: Peer, request: Frame) -> Frame:
        """Answer a terminal: it may give and withdraw its consent at any time."""
        if request.kind != "consent":
            raise PeerRefused("UnknownRequest", f"the access manager knows no {request.kind!r}")
        self._note(peer.name, request.config)
        return request.answer("noted")

    async def from_manager(self, peer: Peer, request: Frame) -> Frame:
        """Answer the routine manager: carry an invitation to a terminal, or the end to all."""
        del peer
        match request.kind:
            case "invite":
                return await self._invite(request)
            case "finish":
                everyone = (peer.request("finish", seconds=_GOODBYE) for peer in self.hub.attached())
                await asyncio.gather(*everyone, return_exceptions=True)
                asyncio.get_running_loop().call_later(0.2, self.finished.set)
                return request.answer("finished")
        raise PeerRefused("UnknownRequest", f"the access manager knows no {request.kind!r}")

    async def _invite(self, request: Frame) -> Frame:
        told = dict(request.config)
        name = str(told.pop("terminal", ""))
        peer = self.hub.peers.get(name)
        if peer is None or not peer.attached or name not in self._consents:
            raise PeerRefused("NoConsent", f"{name} is not there, or does not consent")
        answer = await peer.request("invite", config=told, seconds=_ASK_SECONDS)
        return request.answer(answer.kind, config=answer.config)
