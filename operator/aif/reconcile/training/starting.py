"""When a training job may start: after other jobs, once a condition holds, once an event was told ([NET4AI] tasks)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from aif.api.conditions import Condition, Reason
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_start import AwaitedCondition, AwaitedKind
from aif.domain.annotations import EVENT
from aif.domain.conditions import Verdict

_SHOWN: Final = 4

Others = Mapping[tuple[str, str], "Other"]
"""Objects of the own namespace by kind and name."""


@dataclass(frozen=True, slots=True)
class Other:
    """What a job may wait for.

    Attributes:
        conditions: What it says of itself.
        after: Jobs that it waits for in its turn.
    """

    conditions: tuple[Condition, ...] = ()
    after: tuple[str, ...] = field(default=())

    def says(self, kind: str) -> Condition | None:
        """Return its condition ``kind``; None where it has none."""
        return next((one for one in self.conditions if one.type == kind), None)


def awaited(job: TrainingJob) -> list[tuple[str, str]]:
    """Return kind and name of all that ``job`` waits for; nothing once it may start, or has ended."""
    start, timers = job.spec.start, job.status.timers
    if start is None or (timers is not None and (timers.released_at or timers.started_at or timers.finished_at)):
        return []
    jobs = [(str(AwaitedKind.TRAINING_JOB), name) for name in start.after]
    return list(dict.fromkeys([*jobs, *((str(one.kind), one.name) for one in start.conditions)]))


def circle(job: TrainingJob, others: Others) -> Verdict | None:
    """Return the fault of a job that waits for one that waits for it; None where none does."""
    if job.spec.start is None:
        return None
    ways: list[tuple[str, ...]] = [(job.metadata.name, name) for name in job.spec.start.after]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        if way[-1] == job.metadata.name:
            message = f"spec.start.after: these jobs wait for one another: {' after '.join(way)}"
            return Verdict("Accepted", "False", Reason.INVALID_SPEC, message)
        other = others.get((AwaitedKind.TRAINING_JOB, way[-1]))
        if other is not None and way[-1] not in seen:
            seen.add(way[-1])
            ways += [(*way, name) for name in other.after]
    return None


def waits(job: TrainingJob, others: Others) -> str:
    """Return for what ``job`` waits before it starts, and what to do about it; empty where for nothing."""
    missing = list(_missing(job, others))
    more = f"; and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    return "; ".join(missing[:_SHOWN]) + more


def _missing(job: TrainingJob, others: Others) -> Iterator[str]:
    start = job.spec.start
    if start is None:
        return
    for name in start.after:
        if told := _of_job(name, others.get((AwaitedKind.TRAINING_JOB, name))):
            yield told
    for asked in start.conditions:
        if told := _of_condition(asked, others.get((asked.kind, asked.name))):
            yield told
    if start.event is not None and job.metadata.annotations.get(EVENT) != start.event:
        yield f"Waits for the event {start.event}: whoever sees it sets the annotation {EVENT}={start.event}"


def _of_job(name: str, other: Other | None) -> str:
    if other is None:
        return f"Waits for the TrainingJob {name}, which is not there"
    done, failed = other.says("Complete"), other.says("Failed")
    if done is not None and done.status == "True":
        return ""
    if failed is not None and failed.status == "True":
        return f"The TrainingJob {name} has failed ({failed.reason}): create it anew, or this one without it"
    return f"Waits for the TrainingJob {name} to be Complete"


def _of_condition(asked: AwaitedCondition, other: Other | None) -> str:
    told = other.says(asked.type) if other else None
    if told is not None and told.status == asked.status:
        return ""
    absent = "which is not there" if other is None else f"it says {told.status}" if told else "it does not say yet"
    return f"Waits for {asked.type}={asked.status} of the {asked.kind} {asked.name}, {absent}"
