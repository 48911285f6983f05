"""The roles of a training job, what is seen of them, and what the job says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aif.api.aiservice import PlacementRule
from aif.api.base import Tier
from aif.api.trainingjob import Mode, TrainingJob
from aif.api.trainingjob_learning import ALL_OUTPUT, AUTO_CUT
from aif.domain.cluster import Child, Pod

TEMPLATE_LABEL: Final = "net4ai.io/template"

AGGREGATOR: Final = "aggregator"
EVALUATOR: Final = "evaluator"
MANAGER: Final = "manager"
ACCESS: Final = "access"
FORWARDING: Final = "forwarding"
CLIENT: Final = "client"
TRAINER: Final = "trainer"
COMPRESSOR: Final = "compressor"

_MODULES: Final = {
    AGGREGATOR: "aggregator",
    EVALUATOR: "evaluator",
    MANAGER: "routine_manager",
    ACCESS: "access_manager",
    FORWARDING: "forwarding_plane",
    CLIENT: "client",
    TRAINER: "trainer",
    COMPRESSOR: "compressor",
}
_SPLIT_GROUP: Final = "all"

_DEVICES_FIRST: Final = (frozenset({Tier.DEVICE}), frozenset(Tier))
_SITES_FIRST: Final = (frozenset({Tier.RAN}), frozenset(Tier))
_ANYWHERE: Final = (frozenset(Tier),)


@dataclass(frozen=True, slots=True)
class LearningGroup:
    """Terminals that learn together below.

    Attributes:
        name: Its name.
        clients: Terminals that it is to have.
        cut: Where its model is parted.
    """

    name: str
    clients: int
    cut: str

    @property
    def role(self) -> str:
        """Return the role of its server; empty where its terminals learn at the aggregator."""
        return "" if self.cut == ALL_OUTPUT else f"local-{self.name}"


@dataclass(frozen=True, slots=True)
class RoleGroup:
    """Pods of one role.

    Attributes:
        name: Name of the role within the job.
        module: Program of the learning runtime that it runs.
        pods: How many.
        learns: Whether it has a model, and so the demands of the workload; the others have small ones.
        rule: Which nodes it may stand on.
        ladder: Sets of tiers that are tried in order, where the rule names none.
        beside: Role on whose node it must stand; empty for none.
        listens: Whether others dial it.
        group: Its group; empty for none.
    """

    name: str
    module: str
    pods: int = 1
    learns: bool = True
    rule: PlacementRule = field(default_factory=PlacementRule)
    ladder: tuple[frozenset[Tier], ...] = _ANYWHERE
    beside: str = ""
    listens: bool = False
    group: str = ""

    @property
    def numbered(self) -> bool:
        """Whether each of its pods has a number: clients, and workers that learn together."""
        return self.name == CLIENT or self.pods > 1

    @property
    def talks(self) -> bool:
        """Whether it exchanges streams with other roles."""
        return self.name not in (TRAINER, COMPRESSOR)


def groups_of(job: TrainingJob) -> tuple[LearningGroup, ...]:
    """Return the groups of a job; split learning has one."""
    spec = job.spec
    cut = spec.split.cut if spec.split else AUTO_CUT
    if spec.mode is Mode.SPLIT:
        return (LearningGroup(_SPLIT_GROUP, job.client_count, cut),)
    return tuple(LearningGroup(group.name, group.clients, group.cut or cut) for group in spec.groups)


def leader_of(job: TrainingJob) -> str:
    """Return the role that tells how far the job is: the aggregator, or the only worker."""
    return roles_of(job)[0].name


def roles_of(job: TrainingJob) -> tuple[RoleGroup, ...]:
    """Return the roles of a job, the one that tells how far it is first."""
    spec, servers = job.spec, job.spec.placement.servers
    match spec.mode:
        case Mode.CENTRALIZED | Mode.DISTILLATION:
            return (RoleGroup(TRAINER, _MODULES[TRAINER], spec.workers, rule=servers, listens=spec.workers > 1),)
        case Mode.COMPRESSION:
            return (RoleGroup(COMPRESSOR, _MODULES[COMPRESSOR], rule=servers),)
    clients = RoleGroup(CLIENT, _MODULES[CLIENT], job.client_count, rule=spec.placement.clients, ladder=_DEVICES_FIRST)
    upper = (
        RoleGroup(AGGREGATOR, _MODULES[AGGREGATOR], rule=servers, listens=True),
        RoleGroup(EVALUATOR, _MODULES[EVALUATOR], rule=servers),
    )
    if spec.mode is Mode.FEDERATED:
        return (*upper, clients)
    return (*upper, *_middle(job), clients)


def _middle(job: TrainingJob) -> tuple[RoleGroup, ...]:
    servers, sites = job.spec.placement.servers, job.spec.placement.local_functions
    # The manager keeps its epoch on the claim of the aggregator, which one node at a time may have.
    manager = RoleGroup(MANAGER, _MODULES[MANAGER], rule=servers, beside=AGGREGATOR, listens=True)
    return (
        manager,
        RoleGroup(ACCESS, _MODULES[ACCESS], learns=False, rule=servers, listens=True),
        RoleGroup(FORWARDING, _MODULES[FORWARDING], learns=False, rule=servers, listens=True),
        *(
            RoleGroup(one.role, "local_function", rule=sites, ladder=_SITES_FIRST, listens=True, group=one.name)
            for one in groups_of(job)
            if one.role
        ),
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What the leading role says of its job; whoever sends it may be anybody, so all is bounded.

    Attributes:
        phase: Waiting, Training, Paused, Complete or Failed.
        reason: Why it paused or failed, in a word.
        message: The same in a sentence.
        epoch, round, rounds: How far it is.
        live, answered: Clients that are attached, and that took part in the last round.
        accuracy_basis_points, best_round, remaining_seconds: As judged; None before.
        transferred_bytes: Sent and received.
        stored_bytes: Kept on its claim; None where it does not say.
        digest: Digest of the finished model; empty before.
        named: Clients that were excluded or lost: name, state and why.
        history: Rounds with their accuracy.
        tasks: What the job consists of, each with how far it is; empty where it just learns.
        cuts: Where the model of each group is parted, and how many of its terminals are live.
        at: When it was read.
    """

    phase: str
    at: datetime
    reason: str = ""
    message: str = ""
    epoch: int = 0
    round: int = 0
    rounds: int = 0
    live: int = 0
    answered: int = 0
    accuracy_basis_points: int | None = None
    best_round: int | None = None
    remaining_seconds: int | None = None
    transferred_bytes: int = 0
    stored_bytes: int | None = None
    digest: str = ""
    named: tuple[tuple[str, str, str], ...] = ()
    history: tuple[tuple[int, int | None], ...] = ()
    tasks: tuple[tuple[str, str], ...] = ()
    cuts: Mapping[str, tuple[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobView:
    """What exists of one TrainingJob: its children, its pods that have not ended, and what it says of itself."""

    children: tuple[Child, ...] = ()
    pods: tuple[Pod, ...] = ()
    told: Told | None = None

    def child(self, kind: str, name: str) -> Child | None:
        """Return the child of that kind and name."""
        return next((one for one in self.children if (one.reference.kind, one.reference.name) == (kind, name)), None)
