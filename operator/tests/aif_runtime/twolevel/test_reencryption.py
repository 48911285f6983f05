"""Whole jobs with proxy re-encryption: the same model, nothing to read on the way, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aif_runtime.learning.errors import BackendMissing, JobFailed
from aif_runtime.twolevel import forwarding, granting, server, terminal
from aif_runtime.twolevel.exchange import Exchange
from aif_runtime.twolevel.forwarding import ForwardingPlane
from aif_runtime.twolevel.server import LocalFunction
from aif_runtime.twolevel.terminal import Terminal
from aif_runtime.wire.envelope import Frame
from aif_runtime.wire.keyring import KeyRing
from aif_runtime.wire.peer import Peer
from aif_runtime.wire.pre import KeyPair, Reencryption
from tests.aif_runtime.jobs import a_job, until
from tests.aif_runtime.twolevel.parts import Parts

MODES = ("None", "PerSession", "PerMessage")
SLICE = 32
QUICK = {"plan": {"batch": 256}}


@pytest.fixture
def umbral() -> Any:  # noqa: ANN401 - a class of a module that may not be there
    """Return the backend; the test is left out where it is not installed."""
    pytest.importorskip("umbral_pre", reason="the extra reencryption is not installed")
    from aif_runtime.wire.umbral import Umbral  # noqa: PLC0415 - only here it is known to be there

    return Umbral


async def captured(mode: str) -> tuple[str, float]:
    """Run a small job; return the digest of its model, and the share of all numbers that was read on the way."""
    plain, said, frames = Exchange.send, list[bytes](), list[bytes]()

    async def send(self: Exchange, frame: Frame) -> None:
        said.extend(array.tobytes()[:SLICE] for array in frame.arrays.values())
        await plain(self, frame)

    def tap(frame: bytes) -> bytes:
        frames.append(frame)
        return frame

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Exchange, "send", send)
        async with a_job(learning=QUICK) as job:
            parts = Parts(job, {"a": "fc1", "b": "relu2"}, each=2, k=2, rounds=1, reencryption=mode)
            parts.plane.tap = tap
            for index in range(4):
                job.terminal(index)
            await job.ended()
    numbers = [piece for piece in said if len(piece) == SLICE and any(piece)]
    together = b"".join(frames)
    assert len(numbers) > 30
    return str(job.status["digest"]), sum(piece in together for piece in numbers) / len(numbers)


@pytest.mark.usefixtures("umbral")
async def test_the_model_is_the_same_and_only_without_reencryption_its_numbers_are_read_on_the_way() -> None:
    found = {mode: await captured(mode) for mode in MODES}
    assert {mode: share for mode, (_, share) in found.items()} == {"None": 1.0, "PerSession": 0.0, "PerMessage": 0.0}
    assert len({digest for digest, _ in found.values()}) == 1


async def test_the_forwarding_plane_is_told_no_secret_key(umbral: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    made, told = list[KeyPair](), list[str]()
    keypair, answer = umbral.keypair, ForwardingPlane.from_manager

    def noted(self: object) -> KeyPair:
        made.append(keypair(self))
        return made[-1]

    async def listened(self: ForwardingPlane, peer: Peer, request: Frame) -> Frame:
        told.append(str(request))
        return await answer(self, peer, request)

    monkeypatch.setattr(umbral, "keypair", noted)
    monkeypatch.setattr(ForwardingPlane, "from_manager", listened)
    async with a_job(learning=QUICK) as job:
        Parts(job, {"a": "fc1"}, each=2, k=2, rounds=1, reencryption="PerMessage")
        for index in range(2):
            job.terminal(index)
        await job.ended()
    everything = "".join(told)
    assert len(made) == 6  # up, down, who signs, a server, two terminals
    assert sum(pair.public.hex() in everything for pair in made) == 6
    assert not any(pair.secret.hex() in everything or str(pair.secret) in everything for pair in made)


@pytest.mark.parametrize(
    ("twist", "said"),
    [
        pytest.param(lambda frame, _: frame[:300] + bytes([frame[300] ^ 1]) + frame[301:], "changed", id="fragment"),
        pytest.param(lambda frame, before: before or frame, "was expected", id="a replay"),
        pytest.param(lambda frame, _: frame[:9] + bytes(4) + frame[13:], "the frame is of epoch 0", id="an old epoch"),
    ],
)
@pytest.mark.usefixtures("umbral")
async def test_what_is_twisted_on_its_way_is_refused_and_named(
    twist: Callable[[bytes, bytes], bytes], said: str
) -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=1, k=1, rounds=1, reencryption="PerMessage")
        parts.twist(twist)
        job.terminal(0)
        await until(lambda: bool(parts.manager.excluded))
        assert said in next(iter(parts.manager.excluded.values()))


@pytest.mark.parametrize("role", ["lf-a", "t-1"])
@pytest.mark.usefixtures("umbral")
async def test_after_the_loss_of_a_role_the_job_goes_on_with_new_keys(role: str) -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=2, k=2, rounds=6, reencryption="PerSession")
        for index in range(2):
            job.terminal(index)
        await parts.round_done(1)
        await parts.in_round(2)
        await job.kill(role)
        match role:
            case "lf-a":
                job.server("a")
            case _:
                job.terminal(1)
        await job.ended()
        assert job.status["round"] == 6
        assert parts.manager.routine.epoch >= 2


def missing(mode: Reencryption) -> None:
    """Stand in for a backend that is not installed."""
    raise BackendMissing(f"privacy.reencryption: {mode} needs umbral-pre: install the extra reencryption, or use None")


def ring_missing(told: object, *, at_the_server: bool) -> None:
    """Stand in for a ring whose backend is not installed."""
    del at_the_server
    if told is not None:
        missing(Reencryption.PER_SESSION)


class NoRing(KeyRing):
    """A ring that cannot be made."""

    made = staticmethod(ring_missing)


@pytest.mark.parametrize(
    ("module", "name", "stand_in"),
    [
        pytest.param(granting, "backend", missing, id="manager"),
        pytest.param(forwarding, "backend", missing, id="forwarding plane"),
        pytest.param(server, "KeyRing", NoRing, id="local function"),
    ],
)
async def test_a_job_whose_backend_is_missing_fails_and_says_what_to_do(
    module: object, name: str, stand_in: object, umbral: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    del umbral
    monkeypatch.setattr(module, name, stand_in)
    async with a_job() as job:
        Parts(job, {"a": "fc1"}, each=1, k=1, rounds=1, reencryption="PerSession")
        job.terminal(0)
        with pytest.raises(JobFailed, match="needs umbral-pre: install the extra reencryption") as failed:
            await job.ended()
        assert failed.value.reason == "InvalidSpec"
        assert job.status["phase"] == "Failed"


async def test_a_terminal_without_the_backend_takes_no_part(umbral: object, monkeypatch: pytest.MonkeyPatch) -> None:
    del umbral
    monkeypatch.setattr(terminal, "KeyRing", NoRing)
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=1, k=1, rounds=1, reencryption="PerSession")
        job.terminal(0)
        await until(lambda: parts.manager._declined == {"t-0": "BackendMissing"})  # noqa: SLF001
        assert parts.servers["a"].seen_streams == 0


@pytest.mark.parametrize("key", ["", "zz", "00" * 33])
@pytest.mark.usefixtures("umbral")
async def test_a_terminal_whose_public_key_is_none_takes_no_part_and_the_others_learn(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Terminal.answer

    async def answer(self: Terminal, peer: Peer, request: Frame) -> Frame:
        found = await plain(self, peer, request)
        told = {"publicKey": key}
        return request.answer("accept", config=told) if found.kind == "accept" and self.index == 2 else found

    monkeypatch.setattr(Terminal, "answer", answer)
    async with a_job(learning=QUICK) as job:
        parts = Parts(job, {"a": "fc1"}, each=3, k=2, rounds=1, reencryption="PerSession")
        for index in range(3):
            job.terminal(index)
        await job.ended()
        assert list(parts.manager._epoch.declined) == ["t-2"]  # noqa: SLF001
        assert parts.servers["a"].seen_streams == 2


@pytest.mark.usefixtures("umbral")
async def test_a_server_whose_public_key_is_none_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()
    plain = LocalFunction.from_manager

    async def answer(self: LocalFunction, peer: Peer, request: Frame) -> Frame:
        found = await plain(self, peer, request)
        if found.kind == "accept":
            asked.append(int(request.config["epoch"]))
        return request.answer("accept") if asked == [1] and found.kind == "accept" else found

    monkeypatch.setattr(LocalFunction, "from_manager", answer)
    async with a_job(learning=QUICK) as job:
        Parts(job, {"a": "fc1"}, each=1, k=1, rounds=1, reencryption="PerSession")
        job.terminal(0)
        await job.ended()
    assert asked == [1, 2]
