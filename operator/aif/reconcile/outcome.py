"""What was decided about the place of a service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aif.api.aiservice import Offload
from aif.api.aiservice_plan import Plan
from aif.api.conditions import Reason
from aif.api.migration_status import MigrationRecord, MigrationStatus, Placement
from aif.domain.actions import Emit
from aif.domain.conditions import Verdict
from aif.scheduling.ledger import Claim
from aif.scheduling.selection import Selection


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided about the place of a service.

    Attributes:
        verdict: The condition Placed.
        placements: Where it runs from now on, a copy each; empty where nowhere.
        claims: What the ledger holds for it.
        selection: Evidence of a choice made just now; None where the earlier one stays.
        plan: What was planned, or waits for approval.
        degraded: Why a copy should leave its node and does not; None where none has to.
        barred: Nodes that take no pod of the service, whatever their figures say.
        shortfall: Replicas that find no place.
        moved: Why a copy leaves a node; None where none does.
        again_after: Seconds after which the decision may change by itself.
        migration: The move that is under way from now on; its targets are no placements before its point of no return.
        ended: The move that this decision ends.
        news: What people are told of it.
        approval: The condition ApprovalRequired of a move that is proposed; the placements hold all the same.
        refused: The condition Migrating after a person asked for what cannot be.
        handled: Fields of the status that say which requests of a person are answered.
        waits: Whether free capacity would change the outcome, although nothing is short.
    """

    verdict: Verdict
    placements: tuple[Placement, ...] = ()
    claims: tuple[Claim, ...] = ()
    selection: Selection | None = None
    plan: Plan | None = None
    degraded: Verdict | None = None
    barred: frozenset[str] = field(default_factory=frozenset)
    shortfall: int = 0
    moved: Reason | None = None
    again_after: float | None = None
    migration: MigrationStatus | None = None
    ended: MigrationRecord | None = None
    news: tuple[Emit, ...] = ()
    approval: Verdict | None = None
    refused: Verdict | None = None
    handled: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False

    @property
    def local(self) -> bool:
        """Tell whether the users' devices serve themselves."""
        return self.plan is not None and self.plan.offload == Offload.LOCAL


def placed_verdict(placements: Sequence[Placement]) -> Verdict:
    """Return the condition Placed for placements that hold."""
    parts = [f"{each.node} ({each.tier}) as variant {each.variant}, score {each.score}" for each in placements]
    return Verdict("Placed", "True", Reason.AS_EXPECTED, "On " + "; ".join(parts))


def standing(current: Sequence[Placement], fault: Verdict) -> Verdict:
    """Return the condition Placed while ``fault`` keeps anything new from being decided."""
    if current:
        return placed_verdict(current)
    return Verdict("Placed", "Unknown", fault.reason, "Not decided: the service is not accepted")


def locally(plan: Plan) -> Outcome:
    """Return that the users' devices serve themselves, as ``plan`` says why."""
    verdict = Verdict("Placed", "True", Reason.SERVED_LOCALLY, f"Served on the users' devices: {plan.reason}")
    return Outcome(verdict, plan=plan)


def short(shortfall: int, wanted: int, selection: Selection) -> Verdict:
    """Return the condition Degraded while replicas find no place."""
    message = f"{shortfall} of {wanted} replicas find no place: {selection.message}"
    return Verdict("Degraded", "True", selection.reason, message)
