"""The aggregator, the global training function: `python -m aif_runtime.roles.aggregator FILE`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from aif_runtime.federated.flower import Strategist
from aif_runtime.federated.progress import Phase, Progress
from aif_runtime.federated.rounds import Rounds
from aif_runtime.federated.statuspage import serve_status
from aif_runtime.federated.tasks import Kind, Tasks, ordered
from aif_runtime.learning.arrays import Arrays
from aif_runtime.learning.checkpoint import next_epoch, result, stored_bytes, write
from aif_runtime.learning.errors import InvalidRole, JobFailed, PeerRefused
from aif_runtime.roles.rules import RulesPart, StrategyPart, TaskStepPart
from aif_runtime.roles.running import last_message, main
from aif_runtime.roles.settings import Address, LearningRole, OutputPart
from aif_runtime.roles.starting import StartPart, until_started
from aif_runtime.wire.envelope import Frame
from aif_runtime.wire.hub import Hub
from aif_runtime.wire.peer import Peer
from aif_runtime.wire.streams import Listener, Traffic

log = logging.getLogger(__name__)
METHOD = "Federation"


class AggregatorRole(LearningRole):
    """What the aggregator is told.

    Attributes:
        listen: Address for clients, such as 0.0.0.0:7070.
        status_listen: Address for its status page; empty for none.
        state: Folder for checkpoints, which outlives the pod.
        rules: When a round counts, and when the job ends.
        strategy: How updates become a model.
        output: Where the finished model goes.
        start: When the job starts.
        tasks: What it consists of; just learning, where nothing is said.
    """

    listen: Address
    status_listen: str = ""
    state: Path
    rules: RulesPart = RulesPart()
    strategy: StrategyPart = StrategyPart()
    output: OutputPart
    start: StartPart = StartPart()
    tasks: Annotated[tuple[TaskStepPart, ...], Field(max_length=16)] = (TaskStepPart(name="train", kind=Kind.TRAIN),)

    @model_validator(mode="after")
    def _tasks_are_sound(self) -> Self:
        try:
            ordered([task.built() for task in self.tasks])
        except InvalidRole as error:
            raise ValueError(str(error)) from error
        return self


class Aggregator:
    """One job, from its first client to its model."""

    def __init__(self, role: AggregatorRole) -> None:
        self.role = role
        self.traffic = Traffic()
        rules = role.rules.built(role.seed)
        self.progress = Progress(rules.rounds, rules.clients, rules.quorum)
        self.progress.epoch = next_epoch(role.state)
        self.hub = Hub(role.job, self.progress.epoch, self._answer, role.pace, role.limits)
        strategist = Strategist(role.strategy.name, role.strategy.parameters, role.strategy.fraction, rules.quorum)
        self.learner = role.learner(role.learned())
        state = self.learner.state
        self.rounds = Rounds(self.hub, strategist, rules, state, self.progress, role.state)
        self.tasks = Tasks([task.built() for task in role.tasks], self.rounds.run, self._judge)
        self.progress.tasks = self.tasks.states
        self._routine_failed = asyncio.Event()

    async def _answer(self, peer: Peer, request: Frame) -> Frame:
        if request.kind == "routine" and peer.info.get("role") == "manager":
            self.progress.routine = request.config
            if self._routine_phase() == "Failed":
                self._routine_failed.set()
            return request.answer("noted")
        raise PeerRefused("UnknownRequest", f"the aggregator knows no {request.kind!r}")

    async def _judge(self, model: Arrays | None) -> dict[str, float]:
        return await self.rounds.judge(model or self.rounds.state, self.progress.round)

    def _routine_phase(self) -> str:
        return str(self.progress.routine.get("phase", ""))

    async def _started(self) -> None:
        """Wait for the start; a job that has done a round has started before."""
        if self.progress.round:
            return
        self.progress.reason, self.progress.message = "WaitingForStart", self.role.start.awaited
        await until_started(self.role.start, lambda: len(self.rounds.present()), self._routine_phase)
        self.progress.reason = self.progress.message = ""

    def status(self) -> dict[str, Any]:
        """Return what the status page shows."""
        self.progress.sent, self.progress.received = self.traffic.sent, self.traffic.received
        return {"job": self.role.job, **self.progress.to_dict()}

    async def run(self, started: Callable[[int], None] = lambda _: None) -> None:
        """Run the job; ``started`` is told the port.

        Raises:
            JobFailed: It has ended without a model.
        """
        self.rounds.resume()
        listener = Listener(self.role.listen, self.role.credentials, self.role.frame_bytes, self.traffic)
        listener.add({METHOD: self.hub.attach})
        await listener.start()
        started(listener.port)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(listener.stop)
            stack.callback(self.hub.close)
            if self.role.status_listen:
                await stack.enter_async_context(serve_status(self.role.status_listen, self.status))
            # Not where it is ended by a signal: then the others wait for the next aggregator.
            try:
                await self._finish(await self._learned())
                await self.rounds.goodbye()
            except JobFailed as error:
                self.progress.phase, self.progress.reason, self.progress.message = (
                    Phase.FAILED,
                    error.reason,
                    str(error),
                )
                await self.rounds.goodbye()
                raise
            finally:
                self._say()

    async def _learned(self) -> dict[str, Any]:
        """Return the model; JobFailed where the routine has failed, without which nobody learns."""
        learning = asyncio.create_task(self._tasks())
        failing = asyncio.create_task(self._routine_failed.wait())
        try:
            await asyncio.wait((learning, failing), return_when=asyncio.FIRST_COMPLETED)
            if not learning.done():
                routine = self.progress.routine
                raise JobFailed(str(routine.get("reason", "")), str(routine.get("message", "")))
            return learning.result()
        finally:
            for task in (learning, failing):
                task.cancel()
            await asyncio.wait((learning, failing))

    async def _tasks(self) -> dict[str, Any]:
        await self._started()
        return await self.tasks.run()

    async def _finish(self, model: dict[str, Any]) -> None:
        output, progress = self.role.output, self.progress
        note = {
            "job": self.role.job,
            "model": self.role.model.model_dump(mode="json"),
            "data": self.role.data.model_dump(mode="json"),
            "strategy": self.role.strategy.model_dump(mode="json"),
            "seed": self.role.seed,
            "round": progress.best_round,
            "rounds": progress.round,
            "validations": self.tasks.metrics,
            "metrics": next((entry for entry in progress.history if entry["round"] == progress.best_round), {}),
        }
        progress.digest = await asyncio.to_thread(result, output.folder, output.name, model, note)
        if output.onnx:
            self.learner.load(model)
            await asyncio.to_thread(lambda: write(output.folder / f"{output.name}.onnx", self.learner.exported()))
        progress.stored = await asyncio.to_thread(stored_bytes, self.role.state, output.folder)
        progress.phase = Phase.COMPLETE
        log.info("Finished the job", extra={"rounds": progress.round, "digest": progress.digest})

    def _say(self) -> None:
        self.status()
        if self.role.termination_path:
            last_message(self.role.termination_path, self.progress.last_message())


async def run(role: AggregatorRole) -> None:
    """Run the role."""

    def started(port: int) -> None:
        log.info("Listening", extra={"address": role.listen, "port": port})

    await Aggregator(role).run(started)


if __name__ == "__main__":
    sys.exit(main(AggregatorRole, run))
