"""The trainer, one process with all the data: `python -m aif_runtime.roles.trainer FILE`.

With `teacher` in its file a small model learns from the answers of a large one. With `workers`, or started by torchrun,
several learn one model of PyTorch's together; they need one folder `state` in common.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file

from aif_runtime.backends.choosing import Place, Workers, joined
from aif_runtime.federated.progress import Phase, Progress
from aif_runtime.federated.statuspage import serve_status
from aif_runtime.learning.arrays import Arrays, digest
from aif_runtime.learning.checkpoint import Checkpoint, keep, latest, next_epoch, result, stored_bytes, write
from aif_runtime.learning.data import Examples
from aif_runtime.learning.distillation import distil
from aif_runtime.learning.errors import InvalidRole, JobFailed, PeerLost
from aif_runtime.learning.learner import Learner, Plan
from aif_runtime.learning.training import Turn, evaluate, train
from aif_runtime.roles.running import last_message, main
from aif_runtime.roles.settings import Address, LearningRole, ModelPart, OutputPart, Part, Positive, Share, built

log = logging.getLogger(__name__)


class TeacherPart(Part):
    """A model that another one learns from."""

    model: ModelPart = ModelPart()
    path: Path
    temperature: Positive = 4.0


class WorkersPart(Part):
    """Several workers that learn together; `index` says which one this is.

    Attributes:
        count: How many they are.
        address: Where the first listens, and the others find it.
    """

    count: Annotated[int, Field(ge=2, le=1000)]
    address: Address


class TrainerRole(LearningRole):
    """What the trainer is told.

    Attributes:
        rounds: How often it trains for `plan.localEpochs` passes, judges and keeps the model.
        status_listen: Address for its status page; empty for none.
        state: Folder for checkpoints.
        output: Where the finished model goes.
        teacher: Whose answers are learned; without it, the labels are.
        workers: With how many it learns together; alone without it, or with those that torchrun has started.
        target_accuracy: Accuracy at which the job is done.
        patience_rounds: Rounds without a better accuracy after which the job is done.
        least_accuracy: Accuracy without which the finished model is not kept.
    """

    rounds: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    status_listen: str = ""
    state: Path
    output: OutputPart
    teacher: TeacherPart | None = None
    workers: WorkersPart | None = None
    target_accuracy: Share | None = None
    patience_rounds: Annotated[int, Field(ge=1)] | None = None
    least_accuracy: Share | None = None

    def place(self, environ: Mapping[str, str]) -> Place:
        """Return which of the workers this one is."""
        if self.workers is None:
            return Place.of_torchrun(environ)
        return Place(self.index, self.workers.count, self.workers.address)


class Trainer:
    """One job in one process."""

    def __init__(self, role: TrainerRole) -> None:
        dataset = role.dataset()
        self.role = role
        self.task = dataset.task
        parts = [dataset.client(index) for index in range(role.data.clients)]
        self.examples = Examples(np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts]))
        self.tested = dataset.test()
        self.learner = role.learner(self.task)
        self.place = role.place(os.environ)
        self.progress = Progress(role.rounds, self.place.size, self.place.size)
        self.teacher = self._taught(role.teacher) if role.teacher else None
        self._best: tuple[float, Arrays] = (-math.inf, {})
        self.workers: Workers | None = None

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes and tells: of several workers the first."""
        return self.place.rank == 0

    def _taught(self, part: TeacherPart) -> Learner:
        teacher = built(part.model, self.task, self.role.split, Plan())
        try:
            teacher.load(load_file(part.path))
        except (OSError, SafetensorError) as error:
            raise InvalidRole(f"teacher.path: {part.path} cannot be read as safetensors: {error}") from error
        return teacher

    def resume(self) -> None:
        """Take up where the last checkpoint ends, momentum included."""
        kept = latest(self.role.state)
        if kept is None:
            return
        parts: dict[str, Arrays] = {"model": {}, "velocity": {}, "best": {}}
        for name, array in kept.arrays.items():
            part, rest = name.split("/", 1)
            parts[part][rest] = array
        self.learner.load(parts["model"])
        self.learner.remember(parts["velocity"])
        self._best = (kept.note["best"], parts["best"])
        self.progress.round, self.progress.best_round = kept.round, kept.note["bestRound"]
        self.progress.metrics = kept.note["metrics"]
        self.progress.history.extend(kept.note["history"])

    def round(self) -> None:
        """Train, judge and keep one round; JobFailed where the numbers are no longer finite."""
        role, progress, turn = self.role, self.progress, Turn(self.role.seed, 0, self.progress.round + 1)
        plan = role.plan.built()
        if self.teacher and role.teacher:
            loss = distil(self.learner, self.teacher, self.examples, plan, turn, role.teacher.temperature)
        else:
            loss = train(self.learner, self.examples, plan, turn)
        if not math.isfinite(loss):
            raise JobFailed("Diverged", f"the loss of round {turn.round} is not finite; try a smaller learning rate")
        progress.metrics = {"trainingLoss": loss, **evaluate(self.learner, self.tested, self.task)}
        progress.round, progress.live, progress.answered = turn.round, self.place.size, self.place.size
        progress.history.append({"round": turn.round, **progress.metrics})
        if progress.metrics["accuracy"] > self._best[0]:
            self._best, progress.best_round = (progress.metrics["accuracy"], self.learner.state), turn.round
        if self.leads:
            self._keep()

    def _keep(self) -> None:
        progress = self.progress
        progress.digest = digest(self.learner.state)
        parts = {"model": self.learner.state, "velocity": self.learner.velocity, "best": self._best[1]}
        arrays = {f"{part}/{name}": array for part, found in parts.items() for name, array in found.items()}
        note = {
            "best": self._best[0],
            "bestRound": progress.best_round,
            "metrics": progress.metrics,
            "history": list(progress.history),
        }
        keep(self.role.state, Checkpoint(progress.round, arrays, note))
        progress.stored = stored_bytes(self.role.state)

    def _done(self) -> bool:
        done = self._is_done()
        return self.workers.agreed(done=done) if self.workers else done

    def _is_done(self) -> bool:
        role, progress = self.role, self.progress
        if role.target_accuracy is not None and progress.metrics.get("accuracy", -1.0) >= role.target_accuracy:
            return True
        waited = progress.round - progress.best_round
        return progress.round >= role.rounds or (role.patience_rounds is not None and waited >= role.patience_rounds)

    async def run(self) -> None:
        """Run the job; JobFailed where it diverges, PeerLost where another worker is gone."""
        self.resume()
        if self.leads:
            self.progress.epoch = next_epoch(self.role.state)
        async with contextlib.AsyncExitStack() as stack:
            if self.role.status_listen and self.leads:
                await stack.enter_async_context(serve_status(self.role.status_listen, self.status))
            try:
                await self._learn()
            except JobFailed as error:
                self.progress.phase, self.progress.reason, self.progress.message = (
                    Phase.FAILED,
                    error.reason,
                    str(error),
                )
                raise
            finally:
                if self.role.termination_path and self.leads:
                    last_message(self.role.termination_path, self.progress.last_message())

    async def _learn(self) -> None:
        try:
            await asyncio.to_thread(self._join)
            self.progress.phase = Phase.TRAINING
            while not await asyncio.to_thread(self._done):
                began = time.monotonic()
                await asyncio.to_thread(self.round)
                self.progress.seconds.append(time.monotonic() - began)
                log.info("Finished a round", extra={"round": self.progress.round, **self.progress.metrics})
            self._validate()
            if self.leads:
                await asyncio.to_thread(self._finish)
            if self.workers:
                await asyncio.to_thread(self.workers.leave)
        except RuntimeError as error:  # what PyTorch raises where another process is gone
            if self.place.size == 1:
                raise
            raise PeerLost(f"another worker is lost; all go on behind round {self.progress.round}: {error}") from error

    def _join(self) -> None:
        """Find the others, unless all is done: one that was cut off at its very end comes back alone."""
        if self._is_done():
            return
        self.workers = joined(self.learner, self.place)
        if self.workers and not self.workers.alike(self.progress.round):
            raise PeerLost("another worker is behind another round; all begin anew")

    def _validate(self) -> None:
        """Hold the best model against what it has to reach; it was judged on data that nobody learned from."""
        least, best = self.role.least_accuracy, self._best[0]
        if least is not None and not best >= least:
            told = f"an accuracy of {best:.4f}, {least:.4f} is needed"
            raise JobFailed("ValidationFailed", f"validate: {told}")

    def _finish(self) -> None:
        output, progress, role = self.role.output, self.progress, self.role
        note = {
            "job": role.job,
            "model": role.model.model_dump(mode="json"),
            "data": role.data.model_dump(mode="json"),
            "teacher": role.teacher.model_dump(mode="json") if role.teacher else None,
            "seed": role.seed,
            "round": progress.best_round,
            "rounds": progress.round,
            "metrics": next((entry for entry in progress.history if entry["round"] == progress.best_round), {}),
        }
        model = self._best[1] or self.learner.state
        progress.digest = result(output.folder, output.name, model, note)
        if output.onnx:
            self.learner.load(model)
            write(output.folder / f"{output.name}.onnx", self.learner.exported())
        progress.stored = stored_bytes(role.state, output.folder)
        progress.phase = Phase.COMPLETE

    def status(self) -> dict[str, Any]:
        """Return what the status page shows."""
        return {"job": self.role.job, **self.progress.to_dict()}


async def run(role: TrainerRole, started: Callable[[Trainer], None] = lambda _: None) -> None:
    """Run the role."""
    trainer = await asyncio.to_thread(Trainer, role)
    started(trainer)
    await trainer.run()


if __name__ == "__main__":
    sys.exit(main(TrainerRole, run))
