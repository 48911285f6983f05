"""Tasks run in the order of their dependencies, and a job starts when it is to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif_runtime.federated.tasks import Kind, State, Task, Tasks, ordered
from aif_runtime.learning.arrays import Arrays
from aif_runtime.learning.errors import InvalidRole, JobFailed
from aif_runtime.roles.starting import StartPart
from aif_runtime.twolevel.routine import Phase
from tests.aif_runtime.federated.test_rounds import a_federation
from tests.aif_runtime.jobs import a_job, until
from tests.aif_runtime.twolevel.parts import Parts

TRAIN = Task("train", Kind.TRAIN)
BEFORE = Task("before", Kind.VALIDATE)
TOLD: list[dict[str, Any]] = [
    {"name": "after", "kind": "Validate", "after": ["train"], "over": "before", "leastGain": 0.3},
    {"name": "before", "kind": "Validate"},
    {"name": "train", "kind": "Train", "after": ["before"]},
]


@dataclass
class Done:
    """What was done, in its order; each judgement is better than the one before."""

    names: list[str] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=lambda: [0.1, 0.9])

    async def train(self) -> Arrays:
        """Learn."""
        self.names.append("train")
        return {"w": np.ones(1, dtype=np.float32)}

    async def judge(self, model: Arrays | None) -> Mapping[str, float]:
        """Judge."""
        self.names.append("a model" if model else "the first numbers")
        return {"accuracy": self.accuracies.pop(0)} if self.accuracies else {}


async def test_a_validation_runs_after_what_it_depends_on() -> None:
    done = Done()
    first = Task("train", Kind.TRAIN, ("before",))
    tasks = Tasks([Task("after", Kind.VALIDATE, ("train",), 0.8), first, BEFORE], done.train, done.judge)
    assert await tasks.run()
    assert done.names == ["the first numbers", "train", "a model"]
    assert set(tasks.states.values()) == {State.DONE}


@pytest.mark.parametrize(
    ("task", "accuracies", "said"),
    [
        pytest.param(
            Task("good", Kind.VALIDATE, ("train",), 0.95), [0.9], "good: an accuracy of 0.9000, 0.95", id="a bound"
        ),
        pytest.param(
            Task("better", Kind.VALIDATE, ("train",), 0, "before", 0.1), [0.8, 0.85], "0.9000 is needed", id="no gain"
        ),
        pytest.param(Task("judged", Kind.VALIDATE, ("train", "before"), 0.5), [0.8], "nobody judged", id="no judge"),
    ],
)
async def test_a_validation_that_fails_fails_the_job(task: Task, accuracies: list[float], said: str) -> None:
    done = Done(accuracies=accuracies)
    first = Task("train", Kind.TRAIN, ("before",))
    before = [BEFORE] if len(accuracies) > 1 or task.name == "judged" else []
    tasks = Tasks([task, *before, first if before else TRAIN], done.train, done.judge)
    with pytest.raises(JobFailed, match=said) as failed:
        await tasks.run()
    assert failed.value.reason == "ValidationFailed"
    assert tasks.states[task.name] is State.FAILED
    assert tasks.states["train"] is State.DONE


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        pytest.param([BEFORE], "there must be one of the kind Train", id="nothing learns"),
        pytest.param([TRAIN, TRAIN], "two have the same name", id="the same name"),
        pytest.param(
            [TRAIN, Task("v", Kind.VALIDATE, ("x",))], "tasks.v: depends on x, which is no task", id="unknown"
        ),
        pytest.param([TRAIN, Task("v", Kind.VALIDATE, (), 0, "train")], "train is no validation", id="no validation"),
        pytest.param(
            [Task("train", Kind.TRAIN, ("v",)), Task("v", Kind.VALIDATE, ("train",))], "in a circle: ", id="a circle"
        ),
    ],
)
def test_tasks_that_cannot_be_done_are_refused(tasks: list[Task], said: str) -> None:
    with pytest.raises(InvalidRole, match=said):
        ordered(tasks)


@given(st.lists(st.lists(st.integers(0, 7), max_size=4), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_every_task_comes_after_all_that_it_depends_on(depends: list[list[int]], shuffled: Any) -> None:  # noqa: ANN401
    tasks = [
        Task(f"t{place}", Kind.VALIDATE if place else Kind.TRAIN, tuple(f"t{one}" for one in on if one < place))
        for place, on in enumerate(depends)
    ]
    shuffled.shuffle(tasks)
    found = [task.name for task in ordered(tasks)]
    assert sorted(found) == sorted(task.name for task in tasks)
    for task in tasks:
        assert all(found.index(before) < found.index(task.name) for before in task.after)


async def test_a_job_validates_before_and_after_it_learns() -> None:
    async with a_job(clients=2) as job:
        aggregator = job.aggregator({"rounds": 2, "clients": 2, "quorum": 2, "evaluators": 1}, tasks=TOLD)
        job.evaluator()
        for index in range(2):
            job.client(index)
        await job.ended()
        assert job.status["tasks"] == {"before": "Done", "train": "Done", "after": "Done"}
        found = aggregator.tasks.metrics
        assert found["after"]["accuracy"] >= found["before"]["accuracy"] + 0.3


async def test_a_model_that_is_not_good_enough_is_no_result() -> None:
    async with a_job(clients=1) as job:
        tasks = [
            {"name": "train", "kind": "Train"},
            {"name": "v", "kind": "Validate", "after": ["train"], "leastAccuracy": 1.0},
        ]
        job.aggregator({"rounds": 1, "evaluators": 1}, tasks=tasks)
        job.evaluator()
        job.client(0)
        with pytest.raises(JobFailed, match="v: an accuracy of"):
            await job.ended()
        assert (job.status["phase"], job.status["reason"]) == ("Failed", "ValidationFailed")
        assert not (job.folder / "model.safetensors").exists()


async def test_a_job_waits_for_its_event() -> None:
    async with a_job(clients=1) as job:
        event = job.folder / "new-data"
        a_federation(job, {"rounds": 1, "evaluators": 0}, clients=1, start={"when": "Event", "path": event})
        await until(lambda: job.status["clients"]["live"] == 1)
        await asyncio.sleep(0.3)
        assert (job.status["phase"], job.status["reason"]) == ("Waiting", "WaitingForStart")
        assert str(event) in job.status["message"]
        event.touch()
        await job.ended()
        assert job.status["phase"] == "Complete"


async def test_a_job_waits_until_so_many_clients_are_there() -> None:
    async with a_job(clients=2) as job:
        job.aggregator({"rounds": 1, "clients": 2}, start={"when": "Condition", "clients": 2})
        job.client(0)
        await until(lambda: job.status["clients"]["live"] == 1)
        await asyncio.sleep(0.3)
        assert job.status["reason"] == "WaitingForStart"
        job.client(1)
        await job.ended()


async def test_a_routine_starts_once_enough_terminals_consent() -> None:
    async with a_job() as job:
        waits = {"start": {"when": "Condition", "clients": 2}}
        manager = Parts(job, {"a": "fc1"}, each=2, k=1, rounds=1, start={"when": "Routine"}, manager=waits).manager
        job.terminal(0)
        await until(lambda: manager.routine.reason == "WaitingForStart" and len(job.status["routine"]) > 0)
        await asyncio.sleep(0.3)
        assert manager.routine.phase is Phase.PENDING
        assert job.status["reason"] == "WaitingForStart"
        job.terminal(1)
        await job.ended()
        assert job.status["round"] == 1


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param({"when": "Event"}, "path is for Event, which needs it", id="no file"),
        pytest.param({"when": "Condition"}, "clients is for Condition", id="no number"),
        pytest.param({"clients": 3}, "clients is for Condition", id="a number for nothing"),
    ],
)
def test_a_start_says_what_it_waits_for(told: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        StartPart.model_validate(told)
