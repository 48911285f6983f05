"""gRPC streams as pipes for frames: servers that keep their port, channels that wait for their server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol

import grpc
import grpc.aio

from aif_runtime.learning.errors import InvalidRole, PeerLost
from aif_runtime.wire.chunks import Assembly, chunks
from aif_runtime.wire.credentials import Tls

SERVICE: Final = "aif.learning.v1"
_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # by default two servers share a port, and each sees half of the clients
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
)


class Stream(Protocol):
    """Either end of a gRPC stream."""

    async def read(self) -> Any:  # noqa: ANN401 - bytes, or a mark of gRPC's for the end
        """Return the next piece, or the mark for the end."""

    async def write(self, message: Any) -> None:  # noqa: ANN401 - as above
        """Send a piece."""


@dataclass(slots=True)
class Traffic:
    """Bytes that went through the pipes of a role."""

    sent: int = 0
    received: int = 0


class Pipe:
    """Whole messages over one stream, in their order."""

    def __init__(self, stream: Stream, limit: int, traffic: Traffic | None = None) -> None:
        self._stream = stream
        self._assembly = Assembly(limit)
        self._traffic = traffic or Traffic()
        self.last_piece = 0
        """Counts the pieces that came: it grows as long as the other side lives."""

    async def send(self, message: bytes) -> None:
        """Send a message; PeerLost where nobody is there to take it. One task at a time may send."""
        try:
            for piece in chunks(message):
                await self._stream.write(piece)
                self._traffic.sent += len(piece)
        except _ENDS as error:
            raise _lost(error) from error

    async def receive(self) -> bytes:
        """Return the next message.

        Raises:
            PeerLost: The stream has ended.
            MalformedFrame: The message is too large.
        """
        while True:
            try:
                piece = await self._stream.read()
            except _ENDS as error:
                raise _lost(error) from error
            if not isinstance(piece, bytes):
                raise PeerLost("the stream has ended")
            self.last_piece += 1
            self._traffic.received += len(piece)
            message = self._assembly.take(piece)
            if message is not None:
                return message


_ENDS: Final = (
    grpc.RpcError,
    grpc.aio.UsageError,
    grpc.aio.InternalError,
    asyncio.InvalidStateError,
    asyncio.CancelledError,
)
"""What gRPC raises at the end of a stream: the last one also where nobody cancelled the task that reads."""


def _lost(error: BaseException) -> PeerLost:
    """Return the end of a stream as an error; a task that is really cancelled stays so."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        if task and task.cancelling():
            raise error
    if isinstance(error, grpc.aio.AioRpcError):
        return PeerLost(f"{error.code().name}: {error.details()}")
    return PeerLost(str(error) or "the stream was cancelled")


@cache
def _stay() -> None:
    """Keep gRPC's thread for as long as the process runs.

    Without this the last server, channel or call that is freed ends it, and waits for it: for ever where what it has to
    say goes to an event loop that is closed. The garbage collector may free it in the middle of anything.
    """
    grpc.aio.init_grpc_aio()


Serve = Callable[[Pipe, grpc.aio.ServicerContext[Any, Any]], Awaitable[None]]


class Listener:
    """A server of streams on one address."""

    def __init__(self, address: str, tls: Tls | None, limit: int, traffic: Traffic | None = None) -> None:
        self.address = address
        self.port = 0
        self._tls, self._limit = tls, limit
        self._traffic = traffic or Traffic()
        _stay()
        self._server = grpc.aio.server(options=list(_OPTIONS))

    def add(self, methods: Mapping[str, Serve]) -> None:
        """Serve each method by its function; the stream ends with the function."""
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            name: grpc.stream_stream_rpc_method_handler(self._served(serve)) for name, serve in methods.items()
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))

    def _served(self, serve: Serve) -> Callable[..., Awaitable[None]]:
        async def served(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
            await serve(Pipe(context, self._limit, self._traffic), context)

        return served

    async def start(self) -> None:
        """Listen; InvalidRole where the address cannot be had."""
        try:
            if self._tls:
                self.port = self._server.add_secure_port(self.address, self._tls.server())
            else:
                self.port = self._server.add_insecure_port(self.address)
        except RuntimeError as error:
            raise InvalidRole(f"listen: {self.address} cannot be listened on: {error}") from error
        try:
            await self._server.start()
        except BaseException:
            # gRPC waits without end for a server that was started and is thrown away without a stop.
            await self._server.stop(None)
            raise

    async def stop(self, grace: float = 0.5) -> None:
        """Close the door; streams get `grace` seconds to end."""
        await self._server.stop(grace)


def channel(address: str, tls: Tls | None) -> grpc.aio.Channel:
    """Return a channel to a server; it connects when it is first used."""
    _stay()
    if tls is None:
        return grpc.aio.insecure_channel(address, options=list(_OPTIONS))
    name: Sequence[tuple[str, Any]] = [("grpc.ssl_target_name_override", tls.server_name)] if tls.server_name else []
    return grpc.aio.secure_channel(address, tls.client(), options=[*_OPTIONS, *name])


def dial(channel_: grpc.aio.Channel, method: str, metadata: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
    """Return a stream to the method of a server, which may still have to start."""
    pairs = tuple((metadata or {}).items())
    return channel_.stream_stream(f"/{SERVICE}/{method}")(metadata=pairs, wait_for_ready=True)


def common_names(context: grpc.aio.ServicerContext[Any, Any]) -> list[str] | None:
    """Return the names that the client's certificate is for; None where there is no TLS."""
    found = context.auth_context()
    if found.get("transport_security_type") not in ([b"ssl"], (b"ssl",)):
        return None
    return [name.decode(errors="replace") for name in found.get("x509_common_name", ())]
