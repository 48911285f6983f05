"""Those who answer an aggregator: clients with data of their own, and evaluators with the test set."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace

from aif_runtime.learning.arrays import finite
from aif_runtime.learning.data import Examples, Task
from aif_runtime.learning.errors import PeerRefused
from aif_runtime.learning.learner import Learner, Plan
from aif_runtime.learning.training import Turn, evaluate, train
from aif_runtime.wire.envelope import Frame
from aif_runtime.wire.peer import Peer


@dataclass(slots=True, eq=False)
class Client:
    """Trains on its own data whenever it is asked.

    Attributes:
        learner: The model.
        examples: Its own data; they never leave it.
        plan: How to learn.
        seed: Of the job.
        index: Number of the client.
        finished: Set once the job is done.
    """

    learner: Learner
    examples: Examples
    plan: Plan
    seed: int
    index: int
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    _latest: int = 0
    _training: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def answer(self, peer: Peer, request: Frame) -> Frame:
        """Answer one request of the aggregator."""
        del peer
        match request.kind:
            case "train":
                return await self._train(request)
            case "finish":
                asyncio.get_running_loop().call_later(0.2, self.finished.set)
                return request.answer("finished")
        raise PeerRefused("UnknownRequest", f"a client knows no {request.kind!r}")

    async def _train(self, request: Frame) -> Frame:
        turn = request.config.get("round")
        if not isinstance(turn, int):
            raise PeerRefused("InvalidRequest", "config.round must be a whole number")
        self._latest += 1
        mine = self._latest
        # One request at a time: an older one that still runs sees that it is outdated before its next batch.
        async with self._training:
            loss = await asyncio.to_thread(self._learn, request, Turn(self.seed, self.index, turn), mine)
        if not math.isfinite(loss):
            raise PeerRefused("Diverged", f"the loss of round {turn} is not finite")
        metrics = {"examples": float(len(self.examples)), "loss": loss}
        return request.answer("trained", config={"round": turn}, metrics=metrics, arrays=self.learner.state)

    def _learn(self, request: Frame, turn: Turn, mine: int) -> float:
        plan = replace(self.plan, proximal=float(request.config.get("proximal-mu", self.plan.proximal)))
        self.learner.plan = plan
        self.learner.load(request.arrays)
        self.learner.forget()
        return train(self.learner, self.examples, plan, turn, lambda: mine != self._latest)


@dataclass(slots=True, eq=False)
class Evaluator:
    """Judges models on data that no client has."""

    learner: Learner
    examples: Examples
    task: Task
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, peer: Peer, request: Frame) -> Frame:
        """Answer one request of the aggregator."""
        del peer
        match request.kind:
            case "evaluate":
                metrics = await asyncio.to_thread(self._judge, request)
                return request.answer("evaluated", metrics=metrics)
            case "finish":
                asyncio.get_running_loop().call_later(0.2, self.finished.set)
                return request.answer("finished")
        raise PeerRefused("UnknownRequest", f"an evaluator knows no {request.kind!r}")

    def _judge(self, request: Frame) -> dict[str, float]:
        self.learner.load({name: finite(name, array) for name, array in request.arrays.items()})
        return evaluate(self.learner, self.examples, self.task)
