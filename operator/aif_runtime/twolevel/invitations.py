"""An epoch of a routine: who is invited with whom, by which ticket and under which pseudonym ([NET4AI])."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from aif_runtime.learning.errors import BackendMissing, LearningError, OutOfOrder, PeerRefused
from aif_runtime.learning.learner import OUTPUT, LayerFigures
from aif_runtime.twolevel.granting import Granting
from aif_runtime.twolevel.grouping import Assignment, Group, Terminal, assigned
from aif_runtime.wire.envelope import Frame, Json
from aif_runtime.wire.peer import Peer
from aif_runtime.wire.pre import Reencryption

log = logging.getLogger(__name__)
SECONDS: Final = 30.0
ACCESS: Final = "access"
FORWARDING: Final = "forwarding"


@dataclass(frozen=True, slots=True)
class Aims:
    """What the routine manager is to bring about.

    Attributes:
        groups: Who is to learn together, and where the model is cut.
        k: Least number of live terminals per group.
        layers: What each layer of the model costs, for cuts that are to be chosen.
        forwarding: Address of the forwarding plane, as terminals dial it.
        servers: Address of each group's server, as the forwarding plane dials it.
        aggregator: Address of the aggregator, for groups with the whole model on the terminal.
        deadline_seconds: After so long the routine has failed.
        gather_seconds: How long the first invitation waits for all terminals, once there are k per group.
        grace_seconds: How long a server or the forwarding plane may be away.
        seed: The order of the terminals follows from it.
        cuts: Layers after which the model can be cut; None where it can after each.
        reencryption: How frames are encrypted beyond TLS.
    """

    groups: tuple[Group, ...]
    k: int
    layers: Sequence[LayerFigures]
    forwarding: str
    servers: dict[str, str]
    aggregator: str
    deadline_seconds: float = 7200.0
    gather_seconds: float = 5.0
    grace_seconds: float = 5.0
    seed: int = 0
    cuts: tuple[str, ...] | None = None
    reencryption: Reencryption = Reencryption.NONE

    def assigned(self, terminals: Sequence[Terminal]) -> tuple[Assignment, ...]:
        """Return who is to learn in which group."""
        return assigned(terminals, self.groups, self.k, self.layers, self.cuts)


@dataclass(slots=True)
class Epoch:
    """What was settled for one epoch.

    Attributes:
        number: Of the epoch.
        assignments: Who is in which group.
        tickets: What opens the forwarding plane to each terminal.
        pseudonyms: How servers know each terminal.
        incarnations: Which processes of the servers and of the forwarding plane were invited.
        away: Since when one of them has been away.
        live: Live terminals per group.
        begun: Round that each server has begun.
        completed: Round that each server has completed.
        declined: Terminals that declined.
        invited: Whether all were asked.
        broken: Why it cannot go on; empty where it can.
        impossible: Why no other epoch could go on either; empty where one could.
    """

    number: int
    assignments: tuple[Assignment, ...] = ()
    tickets: dict[str, str] = field(default_factory=dict)
    pseudonyms: dict[str, str] = field(default_factory=dict)
    incarnations: dict[str, Any] = field(default_factory=dict)
    away: dict[str, float] = field(default_factory=dict)
    live: dict[str, int] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)
    completed: dict[str, int] = field(default_factory=dict)
    declined: dict[str, str] = field(default_factory=dict)
    invited: bool = False
    broken: str = ""
    impossible: str = ""


@dataclass(frozen=True, slots=True)
class Inviter:
    """Invites all of one epoch.

    Attributes:
        aims: What is to be brought about.
        role: Returns the peer that plays a part, if it is attached.
    """

    aims: Aims
    role: Callable[[str], Peer | None]

    async def invite(self, epoch: Epoch, assignments: tuple[Assignment, ...]) -> None:
        """Grant the tickets first, then invite servers, then terminals; note who declined."""
        epoch.assignments = assignments
        named = {name: self.role(name) for name in needed(self.aims) if name != ACCESS}
        epoch.incarnations = {name: peer.info.get("incarnation") for name, peer in named.items() if peer}
        tickets = self._tickets(epoch)
        served = [one.group.name for one in assignments if one.group.cut != OUTPUT]
        try:
            granting = Granting.made(self.aims.reencryption, served)
        except BackendMissing as error:
            epoch.impossible = str(error)
            return
        told = {"k": self.aims.k, "tickets": tickets, "servers": self.aims.servers, "mode": self.aims.reencryption}
        await asked(epoch, self.role(FORWARDING), "grants", {"epoch": epoch.number, **told})
        for one in assignments:
            await self._invite_server(epoch, one, granting)
        if epoch.impossible:
            return
        members = [(one.group, terminal) for one in assignments for terminal in one.terminals]
        await asyncio.gather(*(self._invite_terminal(epoch, group, terminal, granting) for group, terminal in members))
        epoch.invited = True

    async def _invite_server(self, epoch: Epoch, one: Assignment, granting: Granting | None) -> None:
        name = one.group.name
        told: Json = {"epoch": epoch.number, "cut": one.group.cut, "k": self.aims.k, "clients": len(one.terminals)}
        granted = granting if one.group.cut != OUTPUT else None
        if granted:
            told["reencryption"] = granted.told(name)
        answer = await asked(epoch, self.role(f"server-{name}"), "invite", told)
        if not granted or not answer:
            return
        try:
            told = granted.to_server(name, bytes.fromhex(str(answer.config.get("publicKey", ""))))
        except (OutOfOrder, ValueError) as error:
            epoch.broken = f"server-{name} gave no public key: {error}"
        else:
            await self._grant(epoch, told)

    async def _grant(self, epoch: Epoch, told: Json) -> None:
        await asked(epoch, self.role(FORWARDING), "grant", {"epoch": epoch.number, **told})

    def _tickets(self, epoch: Epoch) -> Json:
        """Draw a ticket and a pseudonym for each terminal, and an order within its group."""
        granted: Json = {}
        for place, one in enumerate(epoch.assignments):
            order = np.random.default_rng([self.aims.seed, epoch.number, place]).permutation(len(one.terminals))
            for terminal, turn in zip(one.terminals, order, strict=True):
                epoch.tickets[terminal.name] = secrets.token_hex(16)
                epoch.pseudonyms[terminal.name] = secrets.token_hex(8)
                if one.group.cut != OUTPUT:
                    known = {"group": one.group.name, "pseudonym": epoch.pseudonyms[terminal.name], "turn": int(turn)}
                    granted[epoch.tickets[terminal.name]] = known
        return granted

    async def _invite_terminal(self, epoch: Epoch, group: Group, terminal: Terminal, granting: Granting | None) -> None:
        direct = group.cut == OUTPUT
        granted = granting if not direct else None
        told: Json = {
            "terminal": terminal.name,
            "epoch": epoch.number,
            "group": group.name,
            "cut": group.cut,
            "direct": direct,
            "forwarding": self.aims.aggregator if direct else self.aims.forwarding,
            "ticket": epoch.pseudonyms[terminal.name] if direct else epoch.tickets[terminal.name],
        }
        if granted:
            told["reencryption"] = granted.told(group.name)
        access = self.role(ACCESS)
        if access is None:
            return
        try:
            answer = await access.request("invite", config=told, seconds=SECONDS)
            declined = "" if answer.kind == "accept" else str(answer.config.get("reason", answer.kind))
            if granted and not declined:
                receiving = bytes.fromhex(str(answer.config.get("publicKey", "")))
                await self._grant(epoch, granted.to_terminal(group.name, str(told["ticket"]), receiving))
        except (LearningError, TimeoutError, ValueError) as error:
            declined = str(error) or "no answer"
        if declined:
            log.info("A terminal declined", extra={"peer": terminal.name, "why": declined})
            epoch.declined[terminal.name] = declined


def needed(aims: Aims) -> list[str]:
    """Return the parts without which nothing works."""
    return [ACCESS, FORWARDING, *(f"server-{group.name}" for group in aims.groups if group.cut != OUTPUT)]


async def asked(epoch: Epoch, peer: Peer | None, kind: str, told: Json) -> Frame | None:
    """Ask one part and return its answer; where it does not do it, the epoch cannot go on."""
    if peer is None:
        return None
    try:
        return await peer.request(kind, config=told, seconds=SECONDS)
    except (LearningError, TimeoutError) as error:
        epoch.broken = f"{peer.name} did not take {kind}: {error}"
        if isinstance(error, PeerRefused) and error.reason == BackendMissing.__name__:
            epoch.impossible = epoch.broken
    return None
