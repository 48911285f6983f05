"""What a decision about a TrainingJob is made from, and what it consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aif.api.conditions import Reason
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import JobTimers, RolePlacement, TrainingJobStatus
from aif.domain.actions import Action
from aif.domain.cluster import Node, ObjectReference
from aif.domain.conditions import timestamp
from aif.domain.learning import JobView
from aif.domain.policy import Policy
from aif.reconcile.training.starting import Others
from aif.scheduling.ledger import Claim
from aif.scheduling.node_table import NodeTable
from aif.scheduling.roles import JobSelection


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """The world as one decision about one TrainingJob sees it.

    Attributes:
        table: All ComputeNodes with what is free on them, the job's own claims counted.
        nodes: Kubernetes Nodes by name.
        view: Children, pods, and what the job says of itself.
        claims: What the ledger holds for the job now.
        policy: What the administrator configured.
        wanted_by: Service that needs the place of the job; empty where none does.
        barred: Nodes that took no pod of the job, whatever their figures say.
        signer_served: Whether the API server knows the Certificate of cert-manager.
        others: Objects that the job waits for before it starts, and those that they wait for.
    """

    table: NodeTable
    nodes: Mapping[str, Node] = field(default_factory=dict)
    view: JobView = field(default_factory=JobView)
    claims: tuple[Claim, ...] = ()
    policy: Policy = field(default_factory=Policy)
    wanted_by: str = ""
    barred: frozenset[str] = frozenset()
    signer_served: bool = False
    others: Others = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobDecision:
    """What is done about a job.

    Attributes:
        actions: In this order.
        status: What its status becomes; None where it is left alone.
        claims: What it holds from now on.
        again_after: Seconds after which it has to be looked at again; None for not by itself.
        waiting: Whether free capacity would change the outcome.
        selection: What was chosen for roles without a place; None where nothing was to be chosen.
    """

    actions: tuple[Action, ...] = ()
    status: TrainingJobStatus | None = None
    claims: tuple[Claim, ...] = ()
    again_after: float | None = None
    waiting: bool = False
    selection: JobSelection | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a job stands after a decision, before its status is written.

    Attributes:
        placements: Where its roles run, or are to run.
        timers: Moments.
        run: How often it was started.
        fault: Why it is not accepted, with the reason; None where it is.
        held_back: Why it does not run although it could be placed: suspended, or made way.
        unplaced: Why it is not placed.
        message: Sentence to the reason in force.
    """

    placements: tuple[RolePlacement, ...]
    timers: JobTimers
    run: int
    held_back: Reason | None = None
    unplaced: Reason | None = None
    message: str = ""


def reference(job: TrainingJob) -> ObjectReference:
    """Return the job as an object of the API server."""
    meta = job.metadata
    return ObjectReference("net4ai.io/v1alpha1", "TrainingJob", meta.namespace, meta.name, meta.uid)


def timers_of(job: TrainingJob) -> JobTimers:
    """Return the moments that the status of ``job`` tells."""
    return job.status.timers or JobTimers()


def moment(text: str | None) -> datetime | None:
    """Return what a status tells as a time; None where it tells none."""
    return None if text is None else datetime.fromisoformat(text)


def ran_seconds(timers: JobTimers, now: datetime) -> float:
    """Return how long the job has run, over all its starts."""
    since = moment(timers.running_since)
    return (timers.ran_seconds or 0) + (max(0.0, (now - since).total_seconds()) if since else 0.0)


def stopped(timers: JobTimers, now: datetime, retry_seconds: float | None = None) -> JobTimers:
    """Return the timers of a job that no longer runs."""
    return timers.model_copy(
        update={
            "running_since": None,
            "ran_seconds": round(ran_seconds(timers, now)),
            "retry_at": None if retry_seconds is None else timestamp(now + timedelta(seconds=retry_seconds)),
        }
    )


def started(timers: JobTimers, now: datetime) -> JobTimers:
    """Return the timers of a job that runs from now on."""
    return timers.model_copy(
        update={
            "started_at": timers.started_at or timestamp(now),
            "running_since": timestamp(now),
            "retry_at": None,
        }
    )
