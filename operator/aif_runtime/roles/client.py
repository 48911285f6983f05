"""A client: it keeps its data, and learns from them when asked: `python -m aif_runtime.roles.client FILE`.

With `aggregator` in its file it takes part in federated learning; with `access` it is a terminal of split or two-level
learning, which is invited by the access manager and exchanges activations through the forwarding plane.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from aif_runtime.federated.client import Client
from aif_runtime.learning.data import DRAWN
from aif_runtime.roles.attaching import ACCESS, FEDERATION, attached, attachment, until
from aif_runtime.roles.running import main
from aif_runtime.roles.settings import LearningRole, Part, Positive
from aif_runtime.twolevel.terminal import Offer, Terminal
from aif_runtime.wire.credentials import under_pseudonym
from aif_runtime.wire.envelope import Json
from aif_runtime.wire.peer import Peer

_LOOK = 0.25


class OfferPart(Part):
    """What a terminal tells of itself, and where its consent can be withdrawn while it runs."""

    consent: bool = True
    consent_path: Path | None = None
    compute_flops: Positive = 1e9
    energy_joules: Annotated[float, Field(ge=0)] = 0.0
    link_bits_per_second: Positive = 1e8
    raw_input_allowed: bool = False

    def built(self) -> Offer:
        """Return it as the terminal wants it."""
        return Offer(
            self.consent, self.compute_flops, self.energy_joules, self.link_bits_per_second, self.raw_input_allowed
        )


class ClientRole(LearningRole):
    """What a client is told: one of two addresses says which of both kinds it is.

    Attributes:
        aggregator: Address of the aggregator.
        access: Address of the access manager.
        offer: What a terminal tells of itself.
    """

    aggregator: str = ""
    access: str = ""
    offer: OfferPart = OfferPart()

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if bool(self.aggregator) == bool(self.access):
            raise ValueError("either aggregator or access must be given")
        if self.data.source not in DRAWN and self.index >= self.data.clients:
            raise ValueError(f"index ({self.index}) must be below data.clients ({self.data.clients})")
        return self


async def run(role: ClientRole) -> None:
    """Run the role until the job is done."""
    if role.access:
        await serve(role, terminal_of(role))
        return
    client = client_of(role)
    await attached(role, role.aggregator, client.answer, client.finished, {"role": "client"})


def client_of(role: ClientRole) -> Client:
    """Return the client that a role describes."""
    dataset = role.dataset()
    return Client(role.learner(dataset.task), dataset.client(role.index), role.plan.built(), role.seed, role.index)


def terminal_of(role: ClientRole) -> Terminal:
    """Return the terminal that a role describes."""
    dataset = role.dataset()

    async def direct(told: Json) -> None:
        """Take part at the aggregator, under a pseudonym."""
        client = client_of(role)
        name = under_pseudonym(role.credentials, str(told["ticket"]))
        hub = Peer(str(told["forwarding"]), client.answer, role.pace, role.limits, role.job)
        async with attachment(role, hub, FEDERATION, {"role": "client"}, name) as staying:
            await until(client.finished, staying)

    return Terminal(
        role.learner(dataset.task),
        dataset.client(role.index),
        role.plan.built(),
        role.seed,
        role.index,
        role.offer.built(),
        role.job,
        role.limits,
        role.credentials,
        direct,
    )


async def serve(role: ClientRole, terminal: Terminal) -> None:
    """Serve a terminal until the job is done."""
    access = Peer(role.access, terminal.answer, role.pace, role.limits, role.job)
    try:
        async with attachment(role, access, ACCESS, {"role": "terminal"}) as staying:
            await until(terminal.finished, staying, asyncio.create_task(_mind(role, terminal, access)))
    finally:
        terminal.leave()


async def _mind(role: ClientRole, terminal: Terminal, access: Peer) -> None:
    """Follow the consent that stands in a file, as JSON with `consent`; never ends."""
    path = role.offer.consent_path
    while True:
        if path is not None:
            consent = await asyncio.to_thread(_consent, path, terminal.consents)
            if consent != terminal.consents:
                await terminal.withdraw(access, consent=consent)
        await asyncio.sleep(_LOOK)


def _consent(path: Path, before: bool) -> bool:  # noqa: FBT001 - what is returned where the file says nothing
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return before
    except (OSError, ValueError):
        return False  # whoever cannot be understood has not consented
    return isinstance(told, dict) and told.get("consent") is True


if __name__ == "__main__":
    sys.exit(main(ClientRole, run))
