"""A training job that waits for another object is looked at when that changes, and sees what it waits for."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.conditions import Condition
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import JobTimers, TrainingJobStatus
from aif.handlers import jobs
from aif.handlers.keys import Kind, WorkKey
from tests import virtual_time
from tests.builders import NOON, a_compute_node, a_node, an_aiservice
from tests.handlers.scenes import Inside
from tests.reconcile.training.jobs import a_job

WAITING = WorkKey(Kind.JOB, "lab", "digits")
DONE = TrainingJobStatus(
    conditions=[
        Condition(type="Complete", status="True", reason="RoundsReached", last_transition_time="2030-01-01T12:00:00Z")
    ]
)


def a_first(status: TrainingJobStatus | None = None, **spec: Any) -> TrainingJob:
    """Return the job that is waited for."""
    return a_job(metadata={"name": "first", "uid": "uid-first"}, status=status, **spec)


async def inside_of(job: TrainingJob) -> Inside:
    """Return a world at rest that knows ``job`` and the first one."""
    inside = Inside.of(a_compute_node(), nodes=[a_node()])
    inside.world.jobs.put(("lab", "digits"), job)
    inside.world.jobs.put(("lab", "first"), a_first())
    await inside.woken()
    return inside


@pytest.mark.parametrize(
    ("job", "woken"),
    [
        pytest.param(a_job(start={"after": ["first"]}), True, id="it waits for that"),
        pytest.param(
            a_job(start={"conditions": [{"kind": "TrainingJob", "name": "first", "type": "Ready"}]}),
            True,
            id="for a condition of it",
        ),
        pytest.param(
            a_job(start={"conditions": [{"kind": "AIService", "name": "first", "type": "Ready"}]}),
            False,
            id="another kind",
        ),
        pytest.param(a_job(start={"after": ["second"]}), False, id="for another"),
        pytest.param(
            a_job(
                start={"after": ["first"]},
                status=TrainingJobStatus(timers=JobTimers(released_at="2030-01-01T12:00:00Z")),
            ),
            False,
            id="it has started",
        ),
        pytest.param(a_job(), False, id="it waits for nothing"),
    ],
)
def test_the_end_of_a_job_wakes_those_that_wait_for_it(job: TrainingJob, *, woken: bool) -> None:
    async def scene() -> set[WorkKey]:
        inside = await inside_of(job)
        inside.world.jobs.put(("lab", "first"), a_first(DONE))
        return await inside.woken()

    assert (WAITING in virtual_time.run(scene())) is woken


def test_a_service_wakes_the_jobs_that_wait_for_a_condition_of_it() -> None:
    async def scene() -> set[WorkKey]:
        asked = {"kind": "AIService", "name": "plates", "type": "ThresholdAlarm"}
        inside = await inside_of(a_job(start={"conditions": [asked]}))
        inside.world.services.put(("lab", "plates"), an_aiservice(namespace="lab"))
        return await inside.woken()

    assert WAITING in virtual_time.run(scene())


def test_a_job_sees_what_it_waits_for_and_what_that_comes_after() -> None:
    async def scene() -> None:
        job = a_job(start={"after": ["first"]})
        inside = await inside_of(job)
        inside.world.jobs.put(("lab", "first"), a_first(DONE, start={"after": ["digits", "gone"]}))
        inside.world.jobs.put(("other", "gone"), a_first())
        others = jobs.snapshot(inside.world, job, NOON).others
        assert set(others) == {("TrainingJob", "first"), ("TrainingJob", "digits")}
        assert others["TrainingJob", "first"].after == ("digits", "gone")
        assert others["TrainingJob", "first"].says("Complete") is not None

    virtual_time.run(scene())
