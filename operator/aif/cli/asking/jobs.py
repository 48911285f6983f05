"""What `aif approve tj/JOB` does: it sets the annotation by which a training job goes on as proposed."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.text import Text

from aif.api.base import API_VERSION
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import JobPlan
from aif.cli import live
from aif.cli.live import Access
from aif.cli.output import Output, show
from aif.cli.train import cluster
from aif.domain.cluster import ObjectReference
from aif.errors import InvalidInput
from aif.reconcile.approval import APPROVE


def approve(name: str, token: str, where: Access, output: Output) -> None:
    """Approve what the operator proposes for the training job ``name``; where a ``token`` is given, only that.

    Raises:
        AifError: There is nothing to approve, or something else by now, or the user may not.
    """
    job = cluster.seen(where, name, datetime.now(UTC), live=False).job
    plan = _proposal(job, token)
    meta = job.metadata
    about = ObjectReference(API_VERSION, "TrainingJob", meta.namespace, meta.name, meta.uid)
    live.set_annotations(where, about, {APPROVE: plan.token})
    structure = {
        "job": {"namespace": meta.namespace, "name": name},
        "request": {APPROVE: plan.token},
        "plan": plan.to_dict(),
    }
    nodes = ", ".join(dict.fromkeys(each.node for each in plan.placements))
    told = f"Approved: {name} may take {nodes} ({', '.join(plan.waits_for)}; {APPROVE}={plan.token})"
    advice = f"See how it goes: aif train status {name} -n {meta.namespace} --watch"
    show(structure, output, lambda _: Text(f"{told}\n{advice}"))


def _proposal(job: TrainingJob, token: str) -> JobPlan:
    name, plan = job.metadata.name, job.status.plan
    if plan is None:
        raise InvalidInput(f"{name} waits for no approval: `aif train status {name}` says how it stands")
    if token not in ("", plan.token):
        raise InvalidInput(
            f"--token: {token} is not what is proposed for {name}, but {plan.token}: look at "
            f"`aif train status {name}`, then approve that"
        )
    return plan
