"""Hubs and their members over real streams: lost connections, silence, garbage, certificates."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from aif_runtime.learning.errors import InvalidRole, JobFailed, PeerRefused
from aif_runtime.wire.credentials import Tls
from aif_runtime.wire.envelope import Frame, Limits, encode
from aif_runtime.wire.hub import Hub
from aif_runtime.wire.member import Member
from aif_runtime.wire.peer import Peer, Timing, unanswered
from aif_runtime.wire.streams import Listener, Pipe, channel, dial
from tests.aif_runtime.certificates import Authority

QUICK = Timing(heartbeat=0.05, patience=5.0, reconnect=0.02)
LIMITS = Limits(frame_bytes=3 * 2**20)
METHOD = "Test"


@dataclass
class Server:
    """A hub that listens."""

    hub: Hub
    listener: Listener
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.listener.port}"

    async def met(self, name: str) -> Peer:
        """Return the peer of that name once it is attached."""
        await until(lambda: name in self.hub.peers and self.hub.peers[name].attached)
        return self.hub.peers[name]


async def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds; it only bounds a broken test."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def a_server(tls: Tls | None = None, *, epoch: int = 1, port: int = 0) -> AsyncIterator[Server]:
    """Run a hub for the job `j`."""
    hub = Hub("j", epoch, unanswered, QUICK, LIMITS)
    server = Server(hub, Listener(f"127.0.0.1:{port}", tls, LIMITS.frame_bytes))
    hub.fault = server.faults.__setitem__
    server.listener.add({METHOD: hub.attach})
    await server.listener.start()
    try:
        yield server
    finally:
        hub.close()
        await server.listener.stop(0.1)


@contextlib.asynccontextmanager
async def a_member(
    address: str,
    handler: Callable[[Peer, Frame], Awaitable[Frame]],
    *,
    name: str = "m",
    job: str = "j",
    tls: Tls | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a member that answers with ``handler``."""
    staying = asyncio.create_task(Member(name, address, METHOD, Peer(address, handler, QUICK, LIMITS, job), tls).stay())
    try:
        yield staying
    finally:
        staying.cancel()
        await asyncio.wait((staying,))


class Echo:
    """Answers with what came, and counts how often it did."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.calls, self.seconds = 0, seconds

    async def __call__(self, peer: Peer, request: Frame) -> Frame:
        """Answer a request."""
        del peer
        self.calls += 1
        await asyncio.sleep(self.seconds)
        if request.kind == "refuse":
            raise PeerRefused("NotNow", "later")
        if request.kind == "break":
            raise RuntimeError("broken")
        return request.answer("echo", config=request.config, metrics=request.metrics, arrays=request.arrays)


async def test_a_request_is_answered_with_what_it_brought() -> None:
    async with a_server() as server, a_member(server.address, Echo()):
        peer = await server.met("m")
        array = np.arange(700_000, dtype=np.float32)  # 2.8 MB: three pieces
        answer = await peer.request("x", config={"a": 1}, metrics={"b": 2.0}, arrays={"c": array})
    assert (answer.config, answer.metrics) == ({"a": 1}, {"b": 2.0})
    np.testing.assert_array_equal(answer.arrays["c"], array)


@pytest.mark.parametrize(
    ("kind", "reason"), [pytest.param("refuse", "NotNow", id="refused"), pytest.param("break", "Failed", id="broken")]
)
async def test_what_goes_wrong_over_there_is_told_by_its_reason(kind: str, reason: str) -> None:
    async with a_server() as server, a_member(server.address, Echo()):
        with pytest.raises(PeerRefused) as refused:
            await (await server.met("m")).request(kind)
    assert refused.value.reason == reason


async def test_a_request_without_an_answer_in_time_is_given_up() -> None:
    async with a_server() as server, a_member(server.address, Echo(seconds=60)):
        peer = await server.met("m")
        with pytest.raises(TimeoutError):
            await peer.request("x", seconds=0.1)


async def test_a_request_survives_a_lost_stream_and_is_acted_on_once() -> None:
    echo = Echo(seconds=0.5)
    async with a_server() as server:
        member = Member("m", server.address, METHOD, Peer(server.address, echo, QUICK, LIMITS, "j"))
        first = asyncio.create_task(member.stay())
        peer = await server.met("m")
        asking = asyncio.create_task(peer.request("x"))
        await until(lambda: echo.calls == 1)
        first.cancel()
        await until(lambda: not peer.attached)
        second = asyncio.create_task(member.stay())
        answer = await asyncio.wait_for(asking, 20)
        second.cancel()
    assert answer.kind == "echo"
    assert echo.calls == 1


async def test_a_process_that_has_started_anew_is_asked_anew() -> None:
    slow, quick = Echo(seconds=600), Echo()
    async with a_server() as server:
        async with a_member(server.address, slow):
            asking = asyncio.create_task((await server.met("m")).request("x"))
            await until(lambda: slow.calls == 1)
        async with a_member(server.address, quick):
            assert (await asyncio.wait_for(asking, 20)).kind == "echo"
    assert quick.calls == 1


async def test_a_server_that_comes_back_with_a_higher_epoch_is_found_again() -> None:
    async with contextlib.AsyncExitStack() as members:
        async with a_server() as server:
            port = server.listener.port
            await members.enter_async_context(a_member(server.address, Echo()))
            assert (await (await server.met("m")).request("x")).epoch == 1
        async with a_server(epoch=2, port=port) as server:
            assert (await (await server.met("m")).request("x")).epoch == 2


async def test_a_silent_peer_is_lost() -> None:
    async with a_server() as server, channel(server.address, None) as link:
        server.hub.timing = Timing(heartbeat=0.05, patience=0.2, reconnect=0.02)
        gone: list[str] = []
        server.hub.went = lambda peer: gone.append(peer.name)
        pipe = Pipe(dial(link, METHOD), LIMITS.frame_bytes)
        await pipe.send(encode(Frame("hello", "j", config={"name": "silent"})))
        await until(lambda: gone == ["silent"])


@pytest.mark.parametrize(
    ("message", "said"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n", "begins with b'GET '", id="no frame"),
        pytest.param(bytes(LIMITS.frame_bytes + 1), "at most 3145728 are taken", id="a huge frame"),
    ],
)
async def test_who_sends_garbage_is_named_with_what_was_wrong(message: bytes, said: str) -> None:
    async with a_server() as server, channel(server.address, None) as link:
        pipe = Pipe(dial(link, METHOD), 2**30)
        await pipe.send(encode(Frame("hello", "j", config={"name": "bad"})))
        await pipe.receive()
        with contextlib.suppress(Exception):
            await pipe.send(message)
        await until(lambda: "bad" in server.faults)
        assert said in server.faults["bad"]


async def test_who_comes_for_another_job_is_refused_for_good() -> None:
    async with a_server() as server, a_member(server.address, Echo(), job="other") as staying:
        with pytest.raises(JobFailed, match="m came for 'other', this is 'j'"):
            await asyncio.wait_for(staying, 20)


async def test_who_is_barred_is_told_why() -> None:
    async with a_server() as server:
        server.hub.barred["m"] = "sent NaN"
        async with a_member(server.address, Echo()) as staying:
            with pytest.raises(JobFailed, match="m is excluded: sent NaN"):
                await asyncio.wait_for(staying, 20)


async def test_an_address_that_is_taken_is_no_address_for_two() -> None:
    async with a_server() as server:
        with pytest.raises(InvalidRole, match="cannot be listened on"):
            await Listener(server.address, None, 100).start()


async def test_both_sides_prove_who_they_are(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("client")
    async with a_server(authority.issue("hub")) as server, a_member(server.address, Echo(), name="client-3", tls=own):
        assert (await (await server.met("client-3")).request("x")).kind == "echo"


async def test_a_certificate_is_good_for_no_other_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("client")
    async with (
        a_server(authority.issue("hub")) as server,
        a_member(server.address, Echo(), name="other", tls=own) as gone,
    ):
        with pytest.raises(JobFailed, match="other came with a certificate for client"):
            await asyncio.wait_for(gone, 20)


async def test_without_a_certificate_of_the_authority_nobody_attaches(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    own = stranger.issue("client")
    trusting = Tls(tmp_path / "authority.crt", own.certificate, own.key)
    async with a_server(authority.issue("hub")) as server:
        for tls in (None, trusting):
            async with a_member(server.address, Echo(), tls=tls):
                await asyncio.sleep(0.3)
                assert server.hub.peers == {}


async def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRole, match=r"tls.authority: .*missing.crt cannot be read"):
        Tls(tmp_path / "missing.crt", tmp_path / "c", tmp_path / "k").client()
