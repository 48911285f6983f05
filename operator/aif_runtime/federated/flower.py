"""All that is known of Flower: its strategies as a library, over streams of one's own.

Flower's internals move monthly: the version is pinned, and a test holds this module to what it takes for granted.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")
os.environ.setdefault("FLWR_DISABLE_UPDATE_CHECK", "1")

from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAdam, FedAvg, FedMedian, FedProx, Krum
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

from aif_runtime.federated.screening import Update
from aif_runtime.learning.arrays import Array as Numbers
from aif_runtime.learning.arrays import Arrays
from aif_runtime.learning.averaging import weighted_mean
from aif_runtime.learning.errors import InvalidRole

logging.getLogger("flwr").setLevel(logging.WARNING)

ARRAYS: Final = "arrays"
METRICS: Final = "metrics"
WEIGHT: Final = "num-examples"
_IDENTITY: Final = 1
_FAILED: Final = 1

Scalars = dict[str, Any]


class _Kept(Array):
    """An array of Flower's that keeps its numbers, in place of a copy as bytes."""

    def __init__(self, numbers: Numbers) -> None:
        super().__init__(dtype=str(numbers.dtype), shape=tuple(numbers.shape), stype="numpy.ndarray", data=b"")
        self.__dict__["kept"] = numbers

    def numpy(self) -> Numbers:
        """Return the numbers."""
        return cast("Numbers", self.__dict__["kept"])


def record_of(arrays: Mapping[str, Numbers]) -> ArrayRecord:
    """Return numbers as Flower wants them, without a copy."""
    record = ArrayRecord()
    for name, numbers in arrays.items():
        record[name] = _Kept(numbers)
    return record


def arrays_of(record: ArrayRecord) -> Arrays:
    """Return the numbers of a record."""
    return {name: array.numpy() for name, array in record.items()}


class FastAverage(FedAvg):
    """FedAvg with a mean that reads memory once; the strategies that build on the mean take it from here."""

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Return the weighted mean of the replies."""
        del server_round
        contents = [reply.content for reply in self._check_and_log_replies(replies, is_train=True)[0]]
        if not contents:
            return None, None
        updates = [arrays_of(cast("ArrayRecord", content[ARRAYS])) for content in contents]
        weights = [float(cast("float", cast("MetricRecord", content[METRICS])[WEIGHT])) for content in contents]
        return record_of(weighted_mean(updates, weights)), self.train_metrics_aggr_fn(contents, WEIGHT)


class FastProximal(FedProx, FastAverage):
    """FedProx over the fast mean."""


class FastAdam(FedAdam, FastAverage):
    """FedAdam over the fast mean."""


STRATEGIES: Final[dict[str, Callable[..., FedAvg]]] = {
    "FedAvg": FastAverage,
    "FedProx": FastProximal,
    "FedAdam": FastAdam,
    "Median": FedMedian,
    "Krum": Krum,
}

PARAMETERS: Final = {
    "FedAvg": {},
    "FedProx": {"proximal_mu"},
    "FedAdam": {"eta", "beta_1", "beta_2", "tau"},
    "Median": {},
    "Krum": {"num_malicious_nodes"},
}


def node_id(name: str) -> int:
    """Return the number under which Flower knows a client: the same for the same name."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) >> 1


class Strategist:
    """One of Flower's strategies: it chooses clients, and turns updates into the next model."""

    def __init__(self, name: str, parameters: Mapping[str, float], fraction: float, least: int) -> None:
        if name not in STRATEGIES:
            raise InvalidRole(f"strategy.name: there is no strategy {name!r}; there are {', '.join(STRATEGIES)}")
        unknown = sorted(parameters.keys() - PARAMETERS[name])
        if unknown:
            raise InvalidRole(f"strategy.parameters: {name} has no {unknown[0]}")
        TaskIdentity.run_id = TaskIdentity.task_id = TaskIdentity.node_id = _IDENTITY
        self._strategy = STRATEGIES[name](
            fraction_train=fraction, min_train_nodes=least, min_available_nodes=1, **parameters
        )

    def choose(self, turn: int, state: Arrays, names: Sequence[str], seed: int) -> tuple[list[str], Scalars]:
        """Return the clients of a round, out of those there are, and the settings that go to them.

        There must be at least as many as take part at the least.
        """
        by_id = {node_id(name): name for name in names}
        random.seed(f"{seed}-{turn}")  # Flower draws from the one generator of the process
        messages = self._strategy.configure_train(turn, record_of(state), ConfigRecord(), _Present(list(by_id)))
        chosen = list(messages)
        config = dict(cast("ConfigRecord", chosen[0].content["config"])) if chosen else {}
        return sorted(by_id[message.metadata.dst_node_id] for message in chosen), config

    def combine(self, turn: int, state: Arrays, updates: Sequence[Update]) -> Arrays:
        """Return the next model from what clients learned; ``updates`` in the order of the names."""
        replies = [_reply(update) for update in updates]
        record, _ = self._strategy.aggregate_train(turn, replies)
        combined = arrays_of(record or ArrayRecord())
        return {
            name: (combined[name] if array.dtype.kind == "f" else updates[0].arrays[name]).astype(
                array.dtype, copy=False
            )
            for name, array in state.items()
        }

    @property
    def memory(self) -> Arrays:
        """What the strategy remembers from round to round, to be kept with a checkpoint."""
        found: Arrays = {}
        for part in ("m_t", "v_t"):
            found.update(
                {f"{part}/{name}": array for name, array in (getattr(self._strategy, part, None) or {}).items()}
            )
        return found

    @memory.setter
    def memory(self, memory: Mapping[str, Numbers]) -> None:
        for part in ("m_t", "v_t"):
            if hasattr(self._strategy, part):
                kept = {name.split("/", 1)[1]: array for name, array in memory.items() if name.startswith(f"{part}/")}
                setattr(self._strategy, part, kept or None)


def _reply(update: Update) -> Message:
    sent = Message(RecordDict(), node_id(update.name), "train")
    sent.metadata.__dict__["_message_id"] = update.name
    metrics = MetricRecord({WEIGHT: update.examples, "loss": update.loss})
    return Message(RecordDict({ARRAYS: record_of(update.arrays), METRICS: metrics}), reply_to=sent)


class _Present(Grid):
    """A grid that says who is there, and no more."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = ids

    def get_node_ids(self) -> Iterable[int]:
        """Return the numbers of those who are there."""
        return self._ids

    def set_run(self, run: Run) -> None:
        """Take no note: there is one run."""

    @property
    def run(self) -> Run:
        """There is one run only."""
        return Run.create_empty(_IDENTITY)

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Return a message."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Not offered: requests and answers belong together."""
        raise NotImplementedError

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Not offered: requests and answers belong together."""
        raise NotImplementedError

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Not offered: nobody is to be asked."""
        raise NotImplementedError


Exchange = Callable[[str, str, Arrays, Scalars], Awaitable[tuple[Arrays, dict[str, float]]]]
"""Asks one client: name, kind, numbers, settings; returns numbers and figures, or raises what went wrong."""


class GrpcGrid(_Present):
    """Flower's grid over streams, so that any of its strategies can be started as it stands.

    To be used in a thread of its own; the streams live in the event loop ``loop``.
    """

    def __init__(self, names: Callable[[], Sequence[str]], exchange: Exchange, loop: asyncio.AbstractEventLoop) -> None:
        TaskIdentity.run_id = TaskIdentity.task_id = TaskIdentity.node_id = _IDENTITY
        self._names, self._exchange, self._loop = names, exchange, loop

    def get_node_ids(self) -> Iterable[int]:
        """Return the numbers of those who are attached."""
        return [node_id(name) for name in self._names()]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Ask all, and return the answers that came in time, failures among them, in the order of the messages."""
        asked = asyncio.run_coroutine_threadsafe(self._ask_all(list(messages), timeout), self._loop)
        return asked.result()

    async def _ask_all(self, messages: Sequence[Message], seconds: float | None) -> list[Message]:
        names = {node_id(name): name for name in self._names()}
        for number, message in enumerate(messages):
            message.metadata.__dict__["_message_id"] = f"{number}"
        return list(await asyncio.gather(*(self._ask(names, message, seconds) for message in messages)))

    async def _ask(self, names: Mapping[int, str], message: Message, seconds: float | None) -> Message:
        content = message.content
        arrays = {key: array for record in content.array_records.values() for key, array in arrays_of(record).items()}
        config = {key: value for record in content.config_records.values() for key, value in record.items()}
        try:
            async with asyncio.timeout(seconds):
                name = names[message.metadata.dst_node_id]
                got, metrics = await self._exchange(name, message.metadata.message_type, arrays, config)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is this client's answer
            return Message(Error(_FAILED, f"{type(error).__name__}: {error}"), reply_to=message)
        answer: dict[str, Any] = {METRICS: MetricRecord(dict(metrics))}
        if got:
            answer[ARRAYS] = record_of(got)
        return Message(RecordDict(answer), reply_to=message)
