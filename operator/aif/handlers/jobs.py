"""TrainingJobs in the operator's picture of the cluster: what a decision sees, and what the ledger holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from aif.api.aiservice import AIService
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_start import AwaitedKind
from aif.domain.cluster import Pod
from aif.domain.learning import JobView
from aif.handlers.world import BAR_SECONDS, World
from aif.reconcile.training.scene import JobSnapshot
from aif.reconcile.training.starting import Other, awaited
from aif.scheduling.ledger import Claim, Shortfall

STUCK_SECONDS: Final = 10.0
"""A pod that the cluster's scheduler finds no place for so long is to stand elsewhere."""


def snapshot(world: World, job: TrainingJob, now: datetime) -> JobSnapshot:
    """Return the world as a decision about ``job`` sees it."""
    meta = job.metadata
    key = (meta.namespace, meta.name)
    pods = world.job_pods(key)
    _bar(world, job, pods, now)
    children = tuple(child for cache in world.children.values() for child in cache.select("job", key))
    return JobSnapshot(
        table=world.table(now),
        nodes=world.nodes_by_name(),
        view=JobView(children, pods, world.told.get(meta.uid)),
        claims=world.ledger.claims_of(meta.uid),
        policy=world.policy,
        wanted_by=world.wanted.get(meta.uid, ""),
        barred=frozenset(node for node, until in world.job_bars.get(meta.uid, {}).items() if until > now),
        signer_served=world.signer_served,
        others=_others(world, job),
    )


def _others(world: World, job: TrainingJob) -> dict[tuple[str, str], Other]:
    """Return what ``job`` waits for before it starts, and the jobs that those come after in their turn."""
    found: dict[tuple[str, str], Other] = {}
    ways = awaited(job)
    while ways:
        kind, name = way = ways.pop()
        cache = world.jobs if kind == AwaitedKind.TRAINING_JOB else world.services
        other = cache.get((job.metadata.namespace, name))
        if way in found or not isinstance(other, TrainingJob | AIService):
            continue
        after = tuple(other.spec.start.after) if isinstance(other, TrainingJob) and other.spec.start else ()
        found[way] = Other(tuple(other.status.conditions), after)
        ways += [(AwaitedKind.TRAINING_JOB, each) for each in after]
    return found


def _bar(world: World, job: TrainingJob, pods: Iterable[Pod], now: datetime) -> None:
    """Leave nodes out for a while that the cluster's scheduler does not take for a pod, such as where its claim is not.

    Only where a role has a single pod: of several it is not known which node is meant.
    """
    single = {each.role: each.node for each in job.status.placements if each.pods == 1}
    roles = [each.role for each in job.status.placements]
    for pod in pods:
        since = pod.unschedulable_since
        if since is not None and (now - since).total_seconds() > STUCK_SECONDS and roles.count(pod.copy) == 1:
            bars = world.job_bars.setdefault(job.metadata.uid, {})
            bars[single.get(pod.copy, "")] = now + timedelta(seconds=BAR_SECONDS)


def hold(world: World, job: TrainingJob, claims: Collection[Claim]) -> Shortfall | None:
    """Hold exactly ``claims`` for ``job`` in the ledger; return what is short where they cannot be held."""
    hosts = {claim.node_name for claim in claims}
    pods = [pod for host in hosts for pod in world.pods.select("node", host)]
    nodes = {name: node for name in hosts if (node := world.nodes.get(("", name)))}
    return world.ledger.settle(job.metadata.uid, claims, nodes, pods)
