"""What placements hold in the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from aif.api.aiservice import AIService
from aif.api.migration_status import MigrationStatus, Placement
from aif.domain.policy import Policy
from aif.reconcile.rollout import variant_of
from aif.reconcile.sizing import sized
from aif.reconcile.snapshot import Snapshot
from aif.reconcile.tenure import claims_of
from aif.scheduling.claims import claim_for
from aif.scheduling.ledger import Claim
from aif.scheduling.node_table import NodeTable
from aif.scheduling.whereabouts import seen_from


def held(service: AIService, table: NodeTable, policy: Policy) -> tuple[Claim, ...]:
    """Return what the placed ``service`` holds, as after a restart; what is on a node that is gone holds nothing."""
    claims = (claim_of(service, placement, table, policy) for placement in recorded(service))
    move = service.status.migration
    return leaving((claim for claim in claims if claim is not None), move)


def leaving(claims: Iterable[Claim], move: MigrationStatus | None) -> tuple[Claim, ...]:
    """Return ``claims`` with those marked whose copies ``move`` leaves, and no others."""
    copies = {each.copy_id for each in move.sources} if move is not None else set()
    return tuple(replace(claim, leaving=claim.copy in copies) for claim in claims)


def claims_for(service: AIService, placements: tuple[Placement, ...], snapshot: Snapshot) -> tuple[Claim, ...]:
    """Return what ``placements`` hold: as before where their size did not change, else counted anew."""
    known = {claim.copy: claim for claim in claims_of(placements, snapshot)}
    before = {placement.copy_id: placement.replicas for placement in recorded(service)}
    fresh = (
        known[each.copy_id]
        if each.copy_id in known and before.get(each.copy_id) == each.replicas
        else claim_of(service, each, snapshot.table, snapshot.policy)
        for each in placements
    )
    return tuple(replace(claim, leaving=False) for claim in fresh if claim is not None)


def recorded(service: AIService) -> list[Placement]:
    """Return all places that the status tells of: those that serve, and those that a move is on its way to."""
    move, placements = service.status.migration, service.status.placements
    copies = {placement.copy_id for placement in placements}
    return [*placements, *(each for each in (move.targets if move else ()) if each.copy_id not in copies)]


def claim_of(service: AIService, placement: Placement, table: NodeTable, policy: Policy) -> Claim | None:
    """Return what one placement holds; None where its node or its variant is gone."""
    variant = variant_of(service, placement)
    if variant is None:
        return None
    part = sized(seen_from(service, placement.users_at, table), placement.replicas, variant)
    claim = claim_for(part, variant, placement.node, table, policy)
    return claim and replace(claim, copy=placement.copy_id)
