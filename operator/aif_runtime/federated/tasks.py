"""A job's tasks in the order of their dependencies: learning, and judgements that it has to pass ([NET4AI])."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from aif_runtime.learning.arrays import Arrays
from aif_runtime.learning.errors import InvalidRole, JobFailed


class Kind(StrEnum):
    """What a task does."""

    TRAIN = "Train"
    """All rounds of learning."""

    VALIDATE = "Validate"
    """The evaluator judges the model as it stands; the job fails where that is not good enough."""


class State(StrEnum):
    """How far a task is."""

    WAITING = "Waiting"
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    Attributes:
        name: Unique in the job.
        kind: What it does.
        after: Names of the tasks that have to be done before.
        least_accuracy: Accuracy without which a validation fails.
        over: Name of another validation, which this one is compared with.
        least_gain: Accuracy that it has to be better by.
    """

    name: str
    kind: Kind
    after: tuple[str, ...] = ()
    least_accuracy: float = 0.0
    over: str = ""
    least_gain: float = 0.0


def ordered(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return tasks so that each comes after those that it depends on, else in the order that they are given in.

    Raises:
        InvalidRole: They depend on each other in a circle, or on what is no task; or there is not one that trains.
    """
    by_name = {task.name: task for task in tasks}
    if len(by_name) < len(tasks):
        raise InvalidRole("tasks: two have the same name")
    if sum(task.kind is Kind.TRAIN for task in tasks) != 1:
        raise InvalidRole("tasks: there must be one of the kind Train")
    for task in tasks:
        for name in (*task.after, *filter(None, (task.over,))):
            if name not in by_name:
                raise InvalidRole(f"tasks.{task.name}: depends on {name}, which is no task")
        if task.over and by_name[task.over].kind is not Kind.VALIDATE:
            raise InvalidRole(f"tasks.{task.name}.over: {task.over} is no validation")
    waiting = {task.name: {*task.after, *filter(None, (task.over,))} for task in tasks}
    try:
        return tuple(by_name[name] for name in TopologicalSorter(waiting).static_order())
    except CycleError as error:
        raise InvalidRole(f"tasks: depend on each other in a circle: {', '.join(error.args[1])}") from error


@dataclass(slots=True)
class Tasks:
    """The tasks of one job.

    Attributes:
        tasks: In any order.
        train: Learns, and returns the model.
        judge: Returns how good a model is; the one as it stands where there is none yet.
        states: How far each is, by name.
        metrics: What each validation found, by name.
    """

    tasks: Sequence[Task]
    train: Callable[[], Awaitable[Arrays]]
    judge: Callable[[Arrays | None], Awaitable[Mapping[str, float]]]
    states: dict[str, State] = field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tasks = ordered(self.tasks)
        self.states.update({task.name: State.WAITING for task in self.tasks})

    async def run(self) -> Arrays:
        """Run all tasks, and return the model.

        Raises:
            JobFailed: One has failed.
        """
        model: Arrays | None = None
        for task in self.tasks:
            self.states[task.name] = State.RUNNING
            try:
                if task.kind is Kind.TRAIN:
                    model = await self.train()
                else:
                    await self._validate(task, model)
            except JobFailed:
                self.states[task.name] = State.FAILED
                raise
            self.states[task.name] = State.DONE
        return model or {}

    async def _validate(self, task: Task, model: Arrays | None) -> None:
        found = dict(await self.judge(model))
        self.metrics[task.name] = found
        accuracy = found.get("accuracy", math.nan)
        least = task.least_accuracy
        if task.over:
            least = max(least, self.metrics[task.over]["accuracy"] + task.least_gain)
        if not accuracy >= least:
            told = f"an accuracy of {accuracy:.4f}, {least:.4f} is needed" if found else "nobody judged the model"
            raise JobFailed("ValidationFailed", f"{task.name}: {told}")
