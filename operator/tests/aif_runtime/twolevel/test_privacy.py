"""What is kept from whom: the gate, consent, raw data, pseudonyms, and frames that were twisted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from aif_runtime.learning.mlp import Mlp
from aif_runtime.twolevel.routine import Phase
from aif_runtime.twolevel.server import LocalFunction
from aif_runtime.twolevel.terminal import Terminal
from aif_runtime.wire.envelope import Frame
from aif_runtime.wire.keyring import KeyRing
from aif_runtime.wire.streams import Pipe
from tests.aif_runtime.jobs import a_job, until
from tests.aif_runtime.twolevel.parts import Parts
from tests.aif_runtime.twolevel.test_grouping import FLAT

Json = dict[str, Any]
needs_umbral = pytest.mark.skipif(not find_spec("umbral_pre"), reason="the extra reencryption is not installed")
with_and_without = pytest.mark.parametrize("mode", ["None", pytest.param("PerSession", marks=needs_umbral)])


async def test_with_two_of_three_clients_no_stream_and_no_frame_reaches_the_server() -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=3, k=3, rounds=1)
        for index in range(2):
            job.terminal(index)
        await until(lambda: parts.manager.routine.reason == "WaitingForConsent")
        await asyncio.sleep(0.5)
        assert (parts.servers["a"].seen_streams, parts.servers["a"].seen_frames) == (0, 0)
        job.terminal(2)
        await job.ended()
        assert parts.servers["a"].seen_streams == 3


@with_and_without
async def test_a_third_who_is_invited_and_never_comes_keeps_the_gate_closed(
    monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    plain = Terminal._exchange  # noqa: SLF001

    async def exchange(self: Terminal, told: Json, ring: KeyRing | None) -> None:
        await (asyncio.sleep(600) if self.index == 0 else plain(self, told, ring))

    monkeypatch.setattr(Terminal, "_exchange", exchange)
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=3, k=3, rounds=1, reencryption=mode)
        for index in range(3):
            job.terminal(index)
        await until(lambda: parts.manager.routine.reason == "KAnonymityNotReached")
        await until(lambda: parts.manager.status()["groups"]["a"]["live"] == 2)
        await asyncio.sleep(0.5)
        assert parts.manager.status()["groups"]["a"]["live"] == 2
        assert (parts.servers["a"].seen_streams, parts.servers["a"].seen_frames) == (0, 0)


@with_and_without
async def test_where_too_few_are_left_nothing_more_reaches_the_server_until_one_comes_back(mode: str) -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=3, k=3, rounds=60, reencryption=mode)
        for index in range(3):
            job.terminal(index)
        await parts.round_done(1)
        await job.kill("t-1")
        await until(lambda: (job.status["phase"], job.status["reason"]) == ("Paused", "KAnonymityNotReached"))
        passed = parts.plane.traffic.sent
        await asyncio.sleep(0.5)
        assert parts.plane.traffic.sent == passed
        seen = job.status["round"]
        job.terminal(1)
        await parts.round_done(seen + 2)
        assert parts.manager.routine.epoch == 2
        assert (Phase.PAUSED, 1) in parts.seen


async def test_withdrawn_consent_takes_effect_within_the_round() -> None:
    async with a_job(learning={"plan": {"localEpochs": 50}}) as job:
        parts = Parts(job, {"a": "fc1"}, each=3, k=3, rounds=1)
        consent = job.folder / "consent.json"
        consent.write_text('{"consent": true}')
        job.terminal(0, consentPath=consent)
        for index in (1, 2):
            job.terminal(index)
        await until(lambda: parts.servers["a"].seen_streams == 3)
        consent.write_text('{"consent": false}')
        await until(lambda: parts.manager.routine.phase is Phase.PAUSED)
        assert job.status["round"] == 0
        passed = parts.plane.traffic.sent
        await asyncio.sleep(0.3)
        assert parts.plane.traffic.sent == passed
        consent.write_text('{"consent": true}')
        await until(lambda: parts.manager.routine.phase is Phase.RUNNING)


async def test_who_refuses_raw_data_is_never_invited_below_the_input() -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "Input"}, each=1, k=1, rounds=1)
        job.terminal(0)
        await until(lambda: parts.manager.routine.reason == "WaitingForConsent")
        await asyncio.sleep(0.3)
        assert parts.servers["a"].seen_frames == 0
        job.terminal(1, rawInputAllowed=True)
        await job.ended()


@pytest.mark.parametrize("cut", ["Input", "x", "flatten"])
async def test_a_terminal_declines_an_invitation_that_would_show_its_data(
    cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mlp, "layers", FLAT)
    async with a_job() as job:
        terminal = job.terminal(0)
        told = {"cut": cut, "ticket": "x", "epoch": 1, "forwarding": job.at("fp")}
        answer = await terminal.answer(None, Frame("invite", config=told))  # type: ignore[arg-type]
        assert (answer.kind, answer.config) == ("decline", {"reason": "RawInputRefused"})


@pytest.mark.parametrize(
    ("twist", "said"),
    [
        pytest.param(
            lambda frame, _: frame[:-1] + bytes([frame[-1] ^ 1]), "was changed on its way", id="a flipped bit"
        ),
        pytest.param(lambda frame, before: before or frame, "was expected", id="a replay"),
        pytest.param(
            lambda frame, _: frame[:9] + (999).to_bytes(4, "big") + frame[13:],
            "the frame is of epoch 999",
            id="another epoch",
        ),
    ],
)
async def test_what_is_twisted_on_its_way_is_refused(twist: Callable[[bytes, bytes], bytes], said: str) -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=1, k=1, rounds=1)
        parts.twist(twist)
        job.terminal(0)
        await until(lambda: bool(parts.manager.excluded))
        assert said in next(iter(parts.manager.excluded.values()))


async def test_servers_learn_pseudonyms_and_no_tickets(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Json] = []
    plain = LocalFunction.serve

    async def serve(self: LocalFunction, pipe: Pipe, context: Any) -> None:  # noqa: ANN401 - gRPC's
        seen.append(dict(context.invocation_metadata()))
        await plain(self, pipe, context)

    monkeypatch.setattr(LocalFunction, "serve", serve)
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=2, k=2, rounds=1)
        for index in range(2):
            job.terminal(index)
        await job.ended()
        tickets = set(parts.manager._epoch.tickets.values())  # noqa: SLF001
    told = str(seen)
    assert len(seen) == 2
    assert not any(ticket in told for ticket in tickets)
    assert "t-0" not in told
