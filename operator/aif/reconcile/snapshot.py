"""What a decision is made from, and what it consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aif.api.aiservice import AIService
from aif.api.aiservice_status import AIServiceStatus
from aif.api.conditions import Reason
from aif.contract.copies import CopyLook
from aif.contract.pressure import Pressure
from aif.contract.watch import Judged
from aif.domain.actions import Action
from aif.domain.cluster import Node, ServiceView
from aif.domain.policy import Policy
from aif.scheduling.ledger import Claim
from aif.scheduling.node_table import NodeTable
from aif.scheduling.selection import Selection
from aif.scheduling.whereabouts import Whereabouts, seen_from


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The world as one decision about one AIService sees it.

    Attributes:
        table: All ComputeNodes with what is free on them, the service's own claim counted.
        nodes: Kubernetes Nodes by name.
        view: Children, pods and endpoints of the service.
        claims: What the ledger holds for the service now.
        selection: What was decided for the service together with others; None where it is decided for alone.
        barred: Nodes that took no pod of the service, whatever their figures say.
        may_move: Whether a copy may leave its node now; False while too many others do.
        policy: What the administrator configured.
        judged: What is known of each promise of the contract; none before the first look, None where nothing measures.
        pressures: What presses on what its pods are granted; None where nothing measures.
        judged_copies: What is known of each copy of a service that moves, by its label.
        copies_told_apart: Whether the metric profile of the service knows one copy from another.
        may_start: Whether one more service may begin to move; False while as many as allowed do.
        routes_served: Whether the API server knows HTTPRoute.
        users: Where its users are, and whether it moves ahead of them; None where nobody tells.
    """

    table: NodeTable
    nodes: Mapping[str, Node] = field(default_factory=dict)
    view: ServiceView = field(default_factory=ServiceView)
    claims: tuple[Claim, ...] = ()
    selection: Selection | None = None
    barred: frozenset[str] = frozenset()
    may_move: bool = True
    policy: Policy = field(default_factory=Policy)
    judged: tuple[Judged, ...] | None = None
    pressures: tuple[Pressure, ...] | None = None
    judged_copies: Mapping[str, CopyLook] = field(default_factory=dict)
    copies_told_apart: bool = True
    may_start: bool = True
    routes_served: bool = False
    users: Whereabouts | None = None

    def located(self, service: AIService) -> AIService:
        """Return ``service`` with its users where they are, as far as that is told."""
        return service if self.users is None else seen_from(service, self.users.site, self.table)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now.

    Attributes:
        actions: To be carried out in this order; a later one only after the earlier ones succeeded.
        status: What the status says once they are; None where the service is left alone.
        claims: What the ledger holds for the service from now on.
        barred: Nodes to leave out for a while.
        moved: Why a copy leaves its node; None where none does.
        again_after: Seconds after which the service is to be looked at again in any case.
        waiting: Whether the service waits for capacity, and is to be looked at when some comes free.
        selection: The choice that was made for it; None where an earlier one stays.
        leeway: Seconds that the write of the status may wait, so that what passes soon is not written.
    """

    actions: tuple[Action, ...] = ()
    status: AIServiceStatus | None = None
    claims: tuple[Claim, ...] = ()
    barred: frozenset[str] = frozenset()
    moved: Reason | None = None
    again_after: float | None = None
    waiting: bool = False
    selection: Selection | None = None
    leeway: float = 0.0
