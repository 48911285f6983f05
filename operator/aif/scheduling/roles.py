"""The roles of a training job as the services that they are to filters and scores, and what is decided of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from aif.domain.learning import RoleGroup
from aif.domain.policy import Policy
from aif.scheduling.claims import claim_on
from aif.scheduling.ledger import JOB_PREFIX, Claim
from aif.scheduling.node_table import TIERS, NodeTable
from aif.scheduling.problem import Problem
from aif.scheduling.selection import Shortage

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
        rises: Whether the node is of another tier than such a role has of its own.
    """

    placement: RolePlacement
    claim: Claim
    external: bool
    rises: bool = False


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


def variants_of(job: TrainingJob, role: RoleGroup | None) -> tuple[JobVariant, ...]:
    """Return the variants of a role; one on the CPU where it has no model."""
    return job.variants if role is None or role.learns else (_PLAIN,)


def variant_named(job: TrainingJob, role: RoleGroup, name: str) -> JobVariant:
    """Return the variant ``name`` of a role."""
    return next(one for one in variants_of(job, role) if one.name == name)


def problem_of(
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


def claim_of(job: TrainingJob, role: RoleGroup, problem: Problem, row: int) -> Claim:
    """Return what the pods of ``problem`` hold of the node in ``row``, in the name of their role."""
    return replace(claim_on(problem, row), service=f"{JOB_PREFIX}{job.metadata.name}", copy=role.name)


def choice_of(job: TrainingJob, role: RoleGroup, problem: Problem, row: int, score: float) -> JobChoice:
    """Return the pods of ``problem`` on the node in ``row`` as what was decided."""
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
    rises = not role.rule.tiers and placement.tier not in role.ladder[0]
    return JobChoice(placement, claim_of(job, role, problem, row), bool(table.external[row]), rises)


def sentence(choices: Sequence[JobChoice]) -> str:
    """Return in a line how many pods go where."""
    nodes = list(dict.fromkeys(choice.placement.node for choice in choices))
    pods = sum(choice.placement.pods for choice in choices)
    return f"{pods} pods on {', '.join(nodes[:8])}{' and more' if len(nodes) > 8 else ''}"  # noqa: PLR2004 - a line
