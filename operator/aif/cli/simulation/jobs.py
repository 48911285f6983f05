"""What the operator would decide about training jobs in files, after the services: contracts of those come first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from aif.api.aiservice import AIService
from aif.api.conditions import Condition, Reason
from aif.api.trainingjob import THIS_OPERATOR, TrainingJob
from aif.api.trainingjob_start import AwaitedKind
from aif.api.trainingjob_status import TrainingJobStatus
from aif.cli.figures import ABSENT, plural
from aif.cli.output import grid
from aif.domain.cluster import Node
from aif.domain.policy import Policy
from aif.reconcile.training.course import reconcile
from aif.reconcile.training.scene import JobSnapshot
from aif.reconcile.training.starting import Other, Others
from aif.scheduling.ledger import Claim
from aif.scheduling.node_table import NodeTable

Json = dict[str, Any]

_DECIDED: Final = frozenset({"Accepted", "Placed", "ApprovalRequired"})
"""Conditions that a decision settles; all others need pods."""

_WAITS: Final = frozenset({Reason.SUSPENDED, Reason.AWAITING_APPROVAL, Reason.WAITING_FOR_START})
_LOOKS: Final = 2
"""First it is written down that a job may start, then it is placed."""


def others_of(jobs: Iterable[TrainingJob], services: Iterable[AIService]) -> dict[str, Others]:
    """Return by namespace what jobs may wait for: jobs as their files tell of them, services as they were decided."""
    found: dict[str, dict[tuple[str, str], Other]] = {}
    for job in jobs:
        after = tuple(job.spec.start.after) if job.spec.start else ()
        own = found.setdefault(job.metadata.namespace, {})
        own[AwaitedKind.TRAINING_JOB, job.metadata.name] = Other(tuple(job.status.conditions), after)
    for service in services:
        own = found.setdefault(service.metadata.namespace, {})
        own[AwaitedKind.AI_SERVICE, service.metadata.name] = Other(tuple(service.status.conditions))
    return dict(found)


def over(job: TrainingJob) -> bool:
    """Tell whether a job has ended, as its file says."""
    return any(one.type in ("Complete", "Failed") and one.status == "True" for one in job.status.conditions)


def decide(
    job: TrainingJob, table: NodeTable, nodes: Mapping[str, Node], policy: Policy, others: Others, now: datetime
) -> tuple[TrainingJob, tuple[Claim, ...]]:
    """Return ``job`` with the status that the operator would write, and what it would hold.

    What was decided elsewhere does not count; of a job that has ended nothing is decided any more. No file tells
    whether a cluster has cert-manager: a job that asks for it is taken to find it.
    """
    if over(job):
        return job, ()
    told, claims = job.model_copy(update={"status": TrainingJobStatus()}), tuple[Claim, ...]()
    for _ in range(0 if job.spec.managed_by != THIS_OPERATOR else _LOOKS):
        snapshot = JobSnapshot(table, nodes, policy=policy, others=others, signer_served=True)
        decision = reconcile(told, snapshot, now)
        told, claims = told.model_copy(update={"status": decision.status}), decision.claims
        if claims:
            break
    conditions = [one for one in told.status.conditions if one.type in _DECIDED]
    status = told.status.model_copy(update={"conditions": conditions})
    return told.model_copy(update={"status": status}), claims


def settled(job: TrainingJob) -> bool:
    """Tell whether a job has a place, has ended, or waits for what is to be waited for."""
    told = verdict(job)
    return over(job) or (told is not None and (told.status == "True" or told.reason in _WAITS))


def verdict(job: TrainingJob) -> Condition | None:
    """Return whether the job is placed; where it is not accepted, that."""
    told = {one.type: one for one in job.status.conditions}
    accepted = told.get("Accepted")
    return accepted if accepted is not None and accepted.status == "False" else told.get("Placed")


def report(job: TrainingJob) -> Json:
    """Return what became of a job; names are those of the status where it has them."""
    told, status = verdict(job), job.status.to_dict()
    return {
        "namespace": job.metadata.namespace,
        "name": job.metadata.name,
        "mode": job.spec.mode.value,
        "placed": told is not None and told.type == "Placed" and told.status == "True",
        "placements": status["placements"],
        "reason": _reason(job),
        "message": told.message if told else "",
        "rejected": status["rejected"],
        "qos": status["qos"],
        "plan": status.get("plan"),
    }


def _reason(job: TrainingJob) -> str:
    told = verdict(job)
    if told is not None:
        return told.reason
    return "Pending" if job.spec.managed_by == THIS_OPERATOR else f"managed by {job.spec.managed_by}"


def table(jobs: Sequence[TrainingJob]) -> Table:
    """Return a row per role of each job: where it goes; or the reason why the job goes nowhere."""
    rows = grid("JOB", "MODE", "ROLE", "PODS", "NODES", "VARIANT", "SCORE")
    for job in jobs:
        name, mode = Text(job.metadata.name, style="bold"), job.spec.mode.value
        if not job.status.placements:
            reason = Text(_reason(job), style="" if settled(job) else "red")
            rows.add_row(name, mode, ABSENT, ABSENT, reason, ABSENT, ABSENT)
        for role in dict.fromkeys(each.role for each in job.status.placements):
            own = [each for each in job.status.placements if each.role == role]
            nodes = ", ".join(f"{each.node} ({each.tier.value})" for each in own)
            variants = ", ".join(dict.fromkeys(each.variant for each in own))
            pods, score = sum(each.pods for each in own), min(each.score for each in own)
            rows.add_row(name, mode, role, str(pods), Text(nodes, style="green"), variants, str(score))
            name, mode = Text(), ""
    return rows


def sentences(jobs: Iterable[TrainingJob]) -> list[Text]:
    """Return a sentence for each job that goes nowhere, or waits."""
    return [
        Text.assemble((job.metadata.name, "bold"), f": {told.message}")
        for job in jobs
        if not job.status.placements and (told := verdict(job)) is not None and told.message
    ]


def tally(jobs: Sequence[TrainingJob]) -> str:
    """Return how many jobs are placed, and what became of the others, by reason."""
    others = Counter(_reason(job) for job in jobs if not job.status.placements)
    told = "".join(f", {count} {reason}" for reason, count in others.items())
    return f"{len(jobs) - others.total()} of {plural(len(jobs), 'training job')} placed{told}"
