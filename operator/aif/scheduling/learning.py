"""Places the roles of a training job: the filters, the scores and the ledger of services, all roles or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from aif.api.aiservice import AIService, AIServiceSpec, PlacementRule, ServiceType
from aif.api.base import Level, Tier
from aif.api.conditions import Reason
from aif.api.metadata import ObjectMeta
from aif.api.model import Model
from aif.api.qos import QualityOfService
from aif.api.quantity import Quantity
from aif.api.trainingjob import JobVariant, TrainingJob
from aif.api.trainingjob_status import RolePlacement
from aif.api.workload import Resources, Variant, Workload
from aif.domain.learning import AGGREGATOR, CLIENT, RoleGroup, roles_of
from aif.domain.policy import Policy
from aif.planning.arrays import FloatArray, IntArray
from aif.planning.learning import expected
from aif.scheduling.claims import claim_on
from aif.scheduling.explanation import common_reason, failure, shortages
from aif.scheduling.judgement import Judgement
from aif.scheduling.ledger import JOB_PREFIX, Claim
from aif.scheduling.node_table import TIERS, NodeTable
from aif.scheduling.plugins import FILTERS
from aif.scheduling.problem import Problem
from aif.scheduling.ranking import Ranking
from aif.scheduling.selection import Shortage
from aif.scheduling.spreading import capacity

SMALL = Resources(cpu=Quantity.parse("50m"), memory=Quantity.parse("128Mi"))
"""Demands of a role without a model."""

_PLAIN = JobVariant(name="cpu")


@dataclass(frozen=True, slots=True)
class JobChoice:
    """Pods of one role on one node.

    Attributes:
        placement: What the status tells of it.
        claim: Capacity to hold before anything is made from it.
        external: Whether the node belongs to somebody else.
    """

    placement: RolePlacement
    claim: Claim
    external: bool


@dataclass(frozen=True, slots=True)
class JobSelection:
    """What was decided for a job, and why.

    Attributes:
        choices: Where its roles go; all of them, or none.
        rejections: Why other nodes were refused, for the first role without a place.
        reason: AsExpected, or the limit that all nodes miss for that role.
        message: One sentence for people.
    """

    choices: tuple[JobChoice, ...]
    rejections: tuple[Shortage, ...] = ()
    reason: Reason = Reason.AS_EXPECTED
    message: str = ""


def place(job: TrainingJob, table: NodeTable, policy: Policy, kept: Sequence[RolePlacement] = ()) -> JobSelection:
    """Return nodes for all roles of ``job`` that are not ``kept``; finding none for one of them is none for any.

    Terminals go first, to devices where these suffice; the aggregator and the servers of groups follow to where models
    and activations travel the shortest; all others go to the best node.
    """
    found: list[JobChoice] = []
    told = {placement.role for placement in kept}
    order = sorted((role for role in roles_of(job) if role.name not in told), key=_turn)
    for role in order:
        placements = [*kept, *(choice.placement for choice in found)]
        parts, missed = _placed(job, role, table, policy, placements)
        if not parts:
            if not missed:  # each node has room for a pod, and all together not for all of them
                message = f"{role.name}: its {role.pods} pods find no room together beside what else is held"
                return JobSelection((), (), Reason.CAPACITY_RESERVED, message)
            nodes = int(np.count_nonzero(table.considered))
            message = f"{role.name}: {failure(missed, nodes, len(missed))}"
            return JobSelection((), missed, common_reason(missed), message)
        found += parts
        table = table.holding(part.claim for part in parts)
    return JobSelection(tuple(found), message=_sentence(found))


def claims_for(job: TrainingJob, table: NodeTable, policy: Policy) -> tuple[Claim, ...]:
    """Return what the placed ``job`` holds; what is on a node that is gone holds nothing."""
    roles = {role.name: role for role in roles_of(job)}
    claims = []
    for placement in job.status.placements:
        row, role = table.room.rows.get(placement.node), roles.get(placement.role)
        variant = next((one for one in _variants(job, role) if one.name == placement.variant), None) if role else None
        if row is not None and role is not None and variant is not None:
            claims.append(_claim(job, role, _problem(job, role, variant, table, policy, placement.pods), row))
    return tuple(claims)


def fits_still(job: TrainingJob, placement: RolePlacement, table: NodeTable, policy: Policy) -> Reason | None:
    """Return why a role should leave its node; None where it may stay. ``table`` is without what the job holds."""
    role = next((one for one in roles_of(job) if one.name == placement.role), None)
    variant = next((one for one in _variants(job, role) if one.name == placement.variant), None) if role else None
    row = table.room.rows.get(placement.node)
    if role is None or variant is None:
        return Reason.SPEC_CHANGED
    if row is None:
        return Reason.NODE_NOT_JOINED
    judged = Judgement.of(_problem(job, role, variant, table, policy, placement.pods), FILTERS)
    return None if judged.fits[row] else judged.rejections[judged.first[row]].reason


def _turn(role: RoleGroup) -> int:
    return 0 if role.name == CLIENT else 1 if role.name == AGGREGATOR else 2 if role.group else 3


def _placed(
    job: TrainingJob, role: RoleGroup, table: NodeTable, policy: Policy, placements: Sequence[RolePlacement]
) -> tuple[list[JobChoice], tuple[Shortage, ...]]:
    """Return where the pods of ``role`` go; with none, why."""
    looked = table
    if role.beside and (nodes := [each.node for each in placements if each.role == role.beside]):
        looked = table.only(nodes)
    judged: list[Judgement] = []
    for tiers in (frozenset(role.rule.tiers),) if role.rule.tiers else role.ladder:
        for variant in _variants(job, role):
            problem = _problem(job, role, variant, looked, policy, 1)
            judgement = Judgement.of(problem, FILTERS)
            judged.append(judgement)
            rows = np.flatnonzero(judgement.fits & looked.considered & looked.of_tiers(tiers))
            if parts := _spread(job, role, problem, rows, placements):
                return parts, ()
    return [], shortages([(one, looked.considered) for one in judged[-len(_variants(job, role)) :]])


def _spread(
    job: TrainingJob, role: RoleGroup, problem: Problem, rows: IntArray, placements: Sequence[RolePlacement]
) -> list[JobChoice]:
    """Spread the pods evenly over as few pods per node as can be: the scheduler of the cluster does the same."""
    if not len(rows):
        return []
    table, policy = problem.table, problem.policy
    whole = _problem(job, role, _variant_named(job, role, problem.variant.name), table, policy, role.pods)
    room = capacity(whole)[rows]
    ranking = Ranking.of(problem, rows, len(rows))
    scores = dict(zip(ranking.rows.tolist(), ranking.totals.tolist(), strict=True))
    order = _ordered(job, role, table, ranking.rows, placements)
    rooms = dict(zip(rows.tolist(), room.tolist(), strict=True))
    for most in range(1, role.pods + 1):
        need = ceil(role.pods / most)
        taken = [row for row in order if rooms[row] >= most][:need]
        if len(taken) == need:
            least, more = divmod(role.pods, need)
            counts = [least + (place < more) for place in range(need)]
            variant = _variant_named(job, role, problem.variant.name)
            return [
                _choice(job, role, _problem(job, role, variant, table, policy, pods), row, scores[row])
                for row, pods in zip(taken, counts, strict=True)
            ]
    return []


def _ordered(
    job: TrainingJob, role: RoleGroup, table: NodeTable, rows: IntArray, placements: Sequence[RolePlacement]
) -> list[int]:
    """Return ``rows``, best first: for servers by the time that models take to and from the terminals."""
    ranked: list[int] = rows.tolist()
    if role.name != AGGREGATOR and not role.group:
        return ranked
    cost = _traffic_seconds(job, table, [each for each in placements if each.role == CLIENT])
    servers = {each.node for each in placements if each.role.startswith("local-")}
    place = {row: at for at, row in enumerate(ranked)}
    # A second group goes to another site: so one that is lost takes a single group with it.
    return sorted(ranked, key=lambda row: (table.names[row] in servers, round(float(cost[row]), 3), place[row]))


def _traffic_seconds(job: TrainingJob, table: NodeTable, terminals: Iterable[RolePlacement]) -> FloatArray:
    """Return for each node how long a model takes to all terminals and back; where no path is told, longest."""
    bits = 8.0 * np.nan_to_num(expected(job).model_bytes)
    total = np.zeros(len(table))
    for each in terminals:
        links = table.network.between(each.node)
        time = links.rtt + bits / links.up + bits / links.down
        worst = np.nanmax(time) if not np.isnan(time).all() else 0.0
        total += each.pods * np.where(np.isnan(time), 2.0 * worst + 1.0, time)
    return total


def _variants(job: TrainingJob, role: RoleGroup | None) -> tuple[JobVariant, ...]:
    return job.variants if role is None or role.learns else (_PLAIN,)


def _variant_named(job: TrainingJob, role: RoleGroup, name: str) -> JobVariant:
    return next(one for one in _variants(job, role) if one.name == name)


def _problem(
    job: TrainingJob, role: RoleGroup, variant: JobVariant, table: NodeTable, policy: Policy, pods: int
) -> Problem:
    """Return the role as the service that it is to filters and scores: so many replicas, without requests."""
    stand_in = _stand_in(job, role, variant, pods)
    every = replace(policy, ladder=(frozenset(Tier),))
    return Problem.of(stand_in, stand_in.variants[0], table, every)


def _stand_in(job: TrainingJob, role: RoleGroup, variant: JobVariant, pods: int) -> AIService:
    spec, qos = job.spec, job.spec.qos
    private = max((qos.data_privacy_level, qos.algorithm_privacy_level), key=lambda level: level.rank)
    shape = Variant(
        name=variant.name,
        accelerator=variant.accelerator,
        count=variant.count,
        device_memory=variant.device_memory,
        resources=variant.resources,
    )
    return AIService(
        metadata=ObjectMeta(name=job.metadata.name, namespace=job.metadata.namespace, uid=job.metadata.uid),
        spec=AIServiceSpec(
            service_type=ServiceType.COMPUTE,
            model=Model(name=role.module),
            placement=PlacementRule(tiers=role.rule.tiers, node_selector=role.rule.node_selector),
            qos=QualityOfService(
                compute=qos.compute if role.learns else None,
                privacy_level=Level.LOW if private is Level.LOW else Level.MEDIUM,
                security_level=qos.security_level,
            ),
            workload=Workload(
                image=spec.workload.image,
                replicas=pods,
                resources=spec.workload.resources if role.learns else SMALL,
            ),
            variants=[shape],
        ),
    )


def _claim(job: TrainingJob, role: RoleGroup, problem: Problem, row: int) -> Claim:
    return replace(claim_on(problem, row), service=f"{JOB_PREFIX}{job.metadata.name}", copy=role.name)


def _choice(job: TrainingJob, role: RoleGroup, problem: Problem, row: int, score: float) -> JobChoice:
    table = problem.table
    placement = RolePlacement(
        role=role.name,
        node=table.names[row],
        node_name=table.node_names[row],
        tier=TIERS[table.tiers[row]],
        variant=problem.variant.name,
        pods=problem.demand.replicas,
        score=round(score),
    )
    return JobChoice(placement, _claim(job, role, problem, row), bool(table.external[row]))


def _sentence(choices: Sequence[JobChoice]) -> str:
    nodes = list(dict.fromkeys(choice.placement.node for choice in choices))
    pods = sum(choice.placement.pods for choice in choices)
    return f"{pods} pods on {', '.join(nodes[:8])}{' and more' if len(nodes) > 8 else ''}"  # noqa: PLR2004 - a line
