"""When a training job starts: after other jobs, once conditions hold, on an event; and never before."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.conditions import Condition
from aif.reconcile.training.starting import Other, awaited
from tests.reconcile.training.jobs import Life, a_job

NOON = "2030-01-01T12:00:00Z"


def saying(**told: str) -> Other:
    """Return an object with these conditions."""
    conditions = [
        Condition(type=kind, status="True" if value == "True" else "False", reason=value, last_transition_time=NOON)
        for kind, value in told.items()
    ]
    return Other(tuple(conditions))


FAILED = Other((Condition(type="Failed", status="True", reason="Diverged", last_transition_time=NOON),))

DONE = saying(Complete="True")


def a_waiting(others: dict[tuple[str, str], Other] | None = None, **start: Any) -> Life:
    """Return a job with such a start, looked at once."""
    life = Life(a_job(start=start))
    life.others = others or {}
    life.look()
    return life


@pytest.mark.parametrize(
    ("start", "others", "told"),
    [
        pytest.param({"after": ["first"]}, {}, "first, which is not there", id="no such job"),
        pytest.param(
            {"after": ["first"]}, {("TrainingJob", "first"): saying(Complete="False")}, "to be Complete", id="not done"
        ),
        pytest.param({"after": ["first"]}, {("TrainingJob", "first"): FAILED}, "has failed (Diverged)", id="failed"),
        pytest.param(
            {"after": ["first", "second"]},
            {("TrainingJob", "first"): DONE},
            "second, which is not there",
            id="one of two",
        ),
        pytest.param(
            {"conditions": [{"kind": "AIService", "name": "plates", "type": "ThresholdAlarm"}]},
            {("AIService", "plates"): saying(Ready="True")},
            "ThresholdAlarm=True of the AIService plates, it does not say yet",
            id="a condition that is not there",
        ),
        pytest.param(
            {"conditions": [{"kind": "AIService", "name": "plates", "type": "Ready", "status": "False"}]},
            {("AIService", "plates"): saying(Ready="True")},
            "it says True",
            id="a condition that says another thing",
        ),
        pytest.param(
            {"conditions": [{"kind": "TrainingJob", "name": "plates", "type": "Training"}]},
            {("AIService", "plates"): saying(Training="True")},
            "TrainingJob plates, which is not there",
            id="a service is no job",
        ),
        pytest.param({"event": "new-data"}, {}, "net4ai.io/event=new-data", id="event"),
    ],
)
def test_a_job_says_what_it_waits_for_and_holds_nothing(
    start: dict[str, Any], others: dict[tuple[str, str], Other], told: str
) -> None:
    life = a_waiting(others, **start)
    placed = next(c for c in life.job.status.conditions if c.type == "Placed")
    assert (placed.status, placed.reason) == ("False", "WaitingForStart")
    assert told in placed.message
    assert life.claims == ()
    assert life.events == ["WaitingForStart"]


@pytest.mark.parametrize(
    ("start", "others"),
    [
        pytest.param({"after": ["first"]}, {("TrainingJob", "first"): DONE}, id="after"),
        pytest.param(
            {"conditions": [{"kind": "AIService", "name": "plates", "type": "Ready", "status": "False"}]},
            {("AIService", "plates"): saying(Ready="False")},
            id="condition",
        ),
    ],
)
def test_a_job_starts_once_all_is_true(start: dict[str, Any], others: dict[tuple[str, str], Other]) -> None:
    life = a_waiting(**start)
    life.others = others
    life.look(6, 1.0)
    assert life.condition("Placed") == ("True", "AsExpected")
    assert life.job.status.timers is not None
    assert life.job.status.timers.released_at


def test_an_event_is_told_by_its_name_and_no_other() -> None:
    life = a_waiting(event="new-data")
    for name, claims in (("old-data", False), ("new-data", True)):
        meta = life.job.metadata.model_copy(update={"annotations": {"net4ai.io/event": name}})
        life.job = life.job.model_copy(update={"metadata": meta})
        life.look(3, 1.0)
        assert bool(life.claims) is claims


def test_a_job_that_may_start_is_not_held_up_again_while_it_waits_for_room() -> None:
    life = Life(a_job(start={"after": ["first"]}, clients=500))
    life.others = {("TrainingJob", "first"): DONE}
    life.look(2, 1.0)
    life.others = {}
    life.look(2, 1.0)
    assert life.condition("Placed") == ("False", "CapacityReserved")
    assert awaited(life.job) == []


def test_a_job_that_waits_is_written_once() -> None:
    life = a_waiting(after=["first"])
    life.look(5, 20.0)
    assert life.writes == 1


def test_a_suspended_job_says_that_and_starts_only_once_it_may() -> None:
    life = Life(a_job(start={"after": ["first"]}, suspend=True))
    life.look()
    assert life.condition("Placed") == ("False", "Suspended")
    life.set(suspend=False)
    life.look(2, 1.0)
    assert life.condition("Placed") == ("False", "WaitingForStart")


def test_jobs_that_wait_for_one_another_are_refused_by_name() -> None:
    others = {("TrainingJob", "first"): Other(after=("second",)), ("TrainingJob", "second"): Other(after=("digits",))}
    life = a_waiting(others, after=["first"])
    accepted = next(c for c in life.job.status.conditions if c.type == "Accepted")
    assert (accepted.status, accepted.reason) == ("False", "InvalidSpec")
    assert "digits after first after second after digits" in accepted.message


def test_a_circle_among_others_is_theirs() -> None:
    others = {("TrainingJob", "first"): Other(after=("second",)), ("TrainingJob", "second"): Other(after=("first",))}
    assert a_waiting(others, after=["first"]).condition("Accepted") == ("True", "AsExpected")


def test_what_is_waited_for_is_named_once_and_not_after_the_start() -> None:
    asked = {"kind": "TrainingJob", "name": "first", "type": "Ready"}
    life = a_waiting(after=["first"], conditions=[asked])
    assert awaited(life.job) == [("TrainingJob", "first")]
    life.others = {("TrainingJob", "first"): saying(Complete="True", Ready="True")}
    life.look(1, 1.0)
    assert awaited(life.job) == []


def test_a_model_that_is_not_good_enough_ends_the_job_without_a_result() -> None:
    life = Life(a_job(validation={"minAccuracyBasisPoints": 9000}))
    life.look(6, 1.0)
    life.says("Training", round=2, tasks=(("train", "Running"), ("validate", "Waiting")))
    life.look(1, 11.0)
    assert life.job.status.progress is not None
    assert [(one.name, one.state) for one in life.job.status.progress.tasks] == [
        ("train", "Running"),
        ("validate", "Waiting"),
    ]
    life.says("Failed", reason="ValidationFailed", message="validate: an accuracy of 0.8000, 0.9000 is needed")
    life.look(1, 1.0)
    assert life.condition("Failed") == ("True", "ValidationFailed")
    assert life.job.status.result is None
