"""Rows of `bench_learning.py` beside others: plain local training, and FedSGD."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from learning_processes import processes

from aif_runtime.learning.averaging import weighted_mean
from aif_runtime.learning.data import Examples, Split, digits
from aif_runtime.learning.learner import Plan
from aif_runtime.learning.models import built
from aif_runtime.learning.training import Turn, evaluate, train
from aif_runtime.twolevel.exchange import Exchange
from aif_runtime.wire.envelope import Frame, Limits
from aif_runtime.wire.keyring import KeyRing
from aif_runtime.wire.pre import Proxy
from aif_runtime.wire.sealed import reencrypted
from aif_runtime.wire.streams import Listener, Pipe, channel, dial

BATCHES: Final = 60
TURNS: Final = 7
CLIENTS: Final = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One goal, what was measured, and whether it is met; None where it was left out."""

    name: str
    goal: str
    measured: str
    met: bool | None


def ours(before: tuple[str, ...] = ()) -> tuple[dict[str, Any], float]:
    """Run a federated job of three clients and three rounds; return the note of the model, and the seconds it took."""
    with processes(3, plan={"localEpochs": 3}) as job:
        job.before = before
        began = time.perf_counter()
        job.aggregator({"rounds": 3, "clients": 3, "quorum": 3})
        for index in range(3):
            job.start("client", f"client-{index}", {"index": index, "aggregator": job.at("agg")})
        return job.result(), time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Reencrypting:
    """A pipe whose frames the forwarding plane has re-encrypted."""

    pipe: Pipe
    proxy: Proxy

    async def send(self, message: bytes) -> None:
        """Send a message."""
        await self.pipe.send(message)

    async def receive(self) -> bytes:
        """Return the next message, with the fragment that opens it."""
        return reencrypted(await self.pipe.receive(), self.proxy)


class Secured(NamedTuple):
    """Keys of both ends of a stream, and what re-encrypts each way."""

    client: KeyRing
    server: KeyRing
    upwards: Proxy
    downwards: Proxy


async def over_a_stream(
    examples: Examples,
    plan: Plan,
    folder: str,
    secured: Secured | None = None,
) -> float:
    """Learn over a cut at relu1 through one stream; return the median seconds of a batch."""
    task = digits(Split(seed=7)).task
    bottom, top = (built("mlp-3", (), task, 7, plan) for _ in range(2))
    lower, upper = bottom.bottom("relu1"), top.top("relu1")

    async def serve(pipe: Pipe, _: object) -> None:
        taken: Any = Reencrypting(pipe, secured.upwards) if secured else pipe
        exchange = Exchange.of_server(taken, "r", 1, Limits(), secured.server if secured else None)
        for _ in range(BATCHES):
            arrays = (await exchange.receive()).arrays
            gradient, loss = await asyncio.to_thread(upper.learn, np.array(arrays["a"]), arrays["y"])
            await exchange.send(Frame("gradient", metrics={"loss": loss}, arrays={"g": gradient}))

    listener = Listener(f"unix:{folder}/split.sock", None, 2**24)
    listener.add({"Data": serve})
    await listener.start()
    times = []
    async with channel(f"unix:{folder}/split.sock", None) as link:
        given: Any = Pipe(dial(link, "Data"), 2**24)
        given = Reencrypting(given, secured.downwards) if secured else given
        exchange = Exchange.of_client(given, "r", 1, Limits(), secured.client if secured else None)
        for at in range(0, BATCHES * plan.batch, plan.batch):
            part = examples.at(np.arange(at, at + plan.batch) % len(examples))
            began = time.perf_counter()
            activations = await asyncio.to_thread(lower.forward, part.x)
            await exchange.send(Frame("activations", arrays={"a": activations, "y": part.y}))
            gradient = (await exchange.receive()).arrays["g"]
            await asyncio.to_thread(lower.backward, gradient)
            times.append(time.perf_counter() - began)
    await listener.stop()
    return statistics.median(times)


def _in_one_piece(examples: Examples, plan: Plan) -> float:
    """Learn in one piece; return the median seconds of a batch."""
    model = built("mlp-3", (), digits(Split(seed=7)).task, 7, plan)
    times = []
    for at in range(0, BATCHES * plan.batch, plan.batch):
        part = examples.at(np.arange(at, at + plan.batch) % len(examples))
        began = time.perf_counter()
        model.learn(part.x, part.y)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def split_batch() -> list[Row]:
    """Time a batch over a cut and a socket beside one in one piece, in turns."""
    examples, plan = digits(Split(seed=7)).client(0), Plan(batch=64)
    own, plain = [], []
    for _ in range(TURNS):
        with processes(1) as job:
            own.append(asyncio.run(over_a_stream(examples, plan, str(job.folder))))
        plain.append(_in_one_piece(examples, plan))
    more = statistics.median(own) - statistics.median(plain)
    said = f"{1e3 * statistics.median(own):.2f} ms, {1e3 * statistics.median(plain):.2f} ms in one piece"
    return [Row("splitBatch", "a batch over a cut: < 10 ms more than in one piece", said, more < 0.01)]  # noqa: PLR2004 - the goal


def rounds_to(target: float, plan: Plan, most: int) -> int:
    """Return the rounds that ten clients need to an accuracy, averaging by the number of their examples."""
    data = digits(Split(seed=7, clients=CLIENTS))
    model = built("mlp-3", (), data.task, 7, plan)
    for turn in range(1, most + 1):
        state, updates, weights = model.state, [], []
        for client in range(CLIENTS):
            model.load(state)
            model.forget()
            train(model, data.client(client), plan, Turn(7, client, turn))
            updates.append(model.state)
            weights.append(float(len(data.client(client))))
        model.load(weighted_mean(updates, weights))
        if evaluate(model, data.test(), data.task)["accuracy"] >= target:
            return turn
    return most


def rounds() -> list[Row]:
    """Count the rounds and bytes of both ways, each with the best of some learning rates."""
    rates = (0.02, 0.05, 0.1, 0.2, 0.5)
    averaged = min(rounds_to(0.9, Plan(rate, 0.9, 32, 5), 50) for rate in rates[:3])
    stepped = min(rounds_to(0.9, Plan(rate, 0.0, 0, 1), 400) for rate in rates)
    size = sum(array.nbytes for array in built("mlp-3", (), digits(Split()).task, 7).state.values())
    told = [2 * CLIENTS * size * count / 1e6 for count in (averaged, stepped)]
    said = f"{stepped / averaged:.0f} x ({averaged} against {stepped} rounds, {told[0]:.1f} against {told[1]:.1f} MB)"
    return [Row("rounds", "FedAvg >= 10 x fewer rounds and bytes than FedSGD", said, stepped >= 10 * averaged)]


PEERS: Final[tuple[Callable[[], list[Row]], ...]] = (split_batch, rounds)
