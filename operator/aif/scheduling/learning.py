"""Places the roles of a training job: the filters, the scores and the ledger of services, all roles or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np

from aif.api.conditions import Reason
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import RolePlacement
from aif.domain.learning import AGGREGATOR, CLIENT, RoleGroup, roles_of
from aif.domain.policy import Policy
from aif.planning.arrays import FloatArray, IntArray
from aif.planning.learning import expected
from aif.scheduling.explanation import common_reason, failure, shortages
from aif.scheduling.judgement import Judgement
from aif.scheduling.ledger import Claim
from aif.scheduling.node_table import NodeTable
from aif.scheduling.plugins import FILTERS
from aif.scheduling.problem import Problem
from aif.scheduling.promises import bounds, too_much_energy
from aif.scheduling.ranking import Ranking
from aif.scheduling.roles import (
    JobChoice,
    JobSelection,
    choice_of,
    claim_of,
    problem_of,
    sentence,
    variant_named,
    variants_of,
)
from aif.scheduling.selection import Shortage
from aif.scheduling.spreading import capacity


def place(job: TrainingJob, table: NodeTable, policy: Policy, kept: Sequence[RolePlacement] = ()) -> JobSelection:
    """Return nodes for all roles of ``job`` that are not ``kept``; finding none for one of them is none for any.

    Terminals go first, to devices where these suffice; the aggregator and the servers of groups follow to where models
    and activations travel the shortest; all others go to the best node. Nodes on which a hard bound on time cannot be
    kept are left out, and those that use much energy where the bound on energy is broken with them.
    """
    selection = _all(job, table, policy, kept, frugal=False)
    placements = [*kept, *(choice.placement for choice in selection.choices)]
    if selection.choices and too_much_energy(job, placements, table):
        return _all(job, table, policy, kept, frugal=True)
    return selection


def renewed(
    job: TrainingJob,
    table: NodeTable,
    policy: Policy,
    proposed: Sequence[RolePlacement],
    kept: Sequence[RolePlacement] = (),
) -> JobSelection | None:
    """Return what was proposed once more, where all roles that are not ``kept`` still fit there; None where not."""
    roles = {role.name: role for role in roles_of(job) if role.name not in {each.role for each in kept}}
    if {each.role for each in proposed} != set(roles):
        return None
    found: list[JobChoice] = []
    for each in proposed:
        role, row = roles[each.role], table.room.rows.get(each.node)
        variant = next((one for one in variants_of(job, role) if one.name == each.variant), None)
        if row is None or variant is None:
            return None
        problem = problem_of(job, role, variant, table, policy, each.pods)
        if not Judgement.of(problem, FILTERS).fits[row]:
            return None
        found.append(choice_of(job, role, problem, row, each.score))
        table = table.holding([found[-1].claim])
    return JobSelection(tuple(found), message=sentence(found))


def _all(
    job: TrainingJob, table: NodeTable, policy: Policy, kept: Sequence[RolePlacement], *, frugal: bool
) -> JobSelection:
    found: list[JobChoice] = []
    told = {placement.role for placement in kept}
    order = sorted((role for role in roles_of(job) if role.name not in told), key=_turn)
    for role in order:
        placements = [*kept, *(choice.placement for choice in found)]
        parts, missed = _placed(job, role, table, policy, placements, frugal=frugal)
        if not parts:
            nodes = int(np.count_nonzero(table.considered))
            if nodes and not missed:  # each node has room for a pod, and all together not for all of them
                message = f"{role.name}: its {role.pods} pods find no room together beside what else is held"
                return JobSelection((), (), Reason.CAPACITY_RESERVED, message)
            message = f"{role.name}: {failure(missed, nodes, len(missed))}"
            return JobSelection((), missed, common_reason(missed), message)
        found += parts
        table = table.holding(part.claim for part in parts)
    return JobSelection(tuple(found), message=sentence(found))


def claims_for(job: TrainingJob, table: NodeTable, policy: Policy) -> tuple[Claim, ...]:
    """Return what the placed ``job`` holds; what is on a node that is gone holds nothing."""
    roles = {role.name: role for role in roles_of(job)}
    claims = []
    for placement in job.status.placements:
        row, role = table.room.rows.get(placement.node), roles.get(placement.role)
        variant = next((one for one in variants_of(job, role) if one.name == placement.variant), None) if role else None
        if row is not None and role is not None and variant is not None:
            claims.append(claim_of(job, role, problem_of(job, role, variant, table, policy, placement.pods), row))
    return tuple(claims)


def fits_still(job: TrainingJob, placement: RolePlacement, table: NodeTable, policy: Policy) -> Reason | None:
    """Return why a role should leave its node; None where it may stay. ``table`` is without what the job holds."""
    role = next((one for one in roles_of(job) if one.name == placement.role), None)
    variant = next((one for one in variants_of(job, role) if one.name == placement.variant), None) if role else None
    row = table.room.rows.get(placement.node)
    if role is None or variant is None:
        return Reason.SPEC_CHANGED
    if row is None:
        return Reason.NODE_NOT_JOINED
    judged = Judgement.of(problem_of(job, role, variant, table, policy, placement.pods), FILTERS)
    return None if judged.fits[row] else judged.rejections[judged.first[row]].reason


def _turn(role: RoleGroup) -> int:
    return 0 if role.name == CLIENT else 1 if role.name == AGGREGATOR else 2 if role.group else 3


def _placed(
    job: TrainingJob,
    role: RoleGroup,
    table: NodeTable,
    policy: Policy,
    placements: Sequence[RolePlacement],
    *,
    frugal: bool,
) -> tuple[list[JobChoice], tuple[Shortage, ...]]:
    """Return where the pods of ``role`` go; with none, why."""
    looked = table
    if role.beside and (nodes := [each.node for each in placements if each.role == role.beside]):
        looked = table.only(nodes)
    judged: list[Judgement] = []
    for tiers in (frozenset(role.rule.tiers),) if role.rule.tiers else role.ladder:
        for variant in variants_of(job, role):
            problem = problem_of(job, role, variant, looked, policy, 1)
            promised = bounds(job, role.name, variant, looked, frugal=frugal)
            judgement = Judgement.of(problem, (*FILTERS, *promised))
            judged.append(judgement)
            rows = np.flatnonzero(judgement.fits & looked.considered & looked.of_tiers(tiers))
            if parts := _spread(job, role, problem, rows, placements):
                return parts, ()
    return [], shortages([(one, looked.considered) for one in judged[-len(variants_of(job, role)) :]])


def _spread(
    job: TrainingJob, role: RoleGroup, problem: Problem, rows: IntArray, placements: Sequence[RolePlacement]
) -> list[JobChoice]:
    """Spread the pods evenly over as few pods per node as can be: the scheduler of the cluster does the same."""
    if not len(rows):
        return []
    table, policy = problem.table, problem.policy
    whole = problem_of(job, role, variant_named(job, role, problem.variant.name), table, policy, role.pods)
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
            variant = variant_named(job, role, problem.variant.name)
            return [
                choice_of(job, role, problem_of(job, role, variant, table, policy, pods), row, scores[row])
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
