"""Why nodes were refused, in numbers for programs and in a sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from aif.api.conditions import Reason
from aif.planning.arrays import BoolArray
from aif.scheduling.framework import Rejection
from aif.scheduling.judgement import Judgement
from aif.scheduling.selection import Choice, Shortage

_GAPS_TOLD: Final = 4
"""How many limits a sentence names; the status holds them all."""


def shortages(judgements: Sequence[tuple[Judgement, BoolArray]]) -> tuple[Shortage, ...]:
    """Return, per variant and reason, how many of the nodes that were tried miss it, and the nearest of them.

    Args:
        judgements: Each variant's judgement with the nodes that were tried in it.
    """
    found = [shortage for judgement, tried in judgements for shortage in _of_variant(judgement, tried)]
    return tuple(sorted(found, key=lambda shortage: -shortage.count))


def common_reason(found: Sequence[Shortage]) -> Reason:
    """Return the limit that all nodes miss, or NoCandidateNode where they disagree.

    Nodes that the user left out have no say, unless all are.
    """
    reasons = {shortage.reason for shortage in found}
    telling = reasons - {Reason.NOT_SELECTED} or reasons
    return telling.pop() if len(telling) == 1 else Reason.NO_CANDIDATE_NODE


def success(chosen: Choice, fitting: int, *, best: bool = True) -> str:
    """Return the sentence for a service that found its place, as the best of the nodes that fit or as one of them."""
    standing = "fits" if fitting == 1 else f"is {'the best' if best else 'one'} of {fitting} nodes that fit"
    return f"{chosen.node} ({chosen.tier}) {standing}, as variant {chosen.variant.name} with score {chosen.score}"


def jointly(message: str, others: int, gap: float) -> str:
    """Return ``message`` with the certificate of a joint placement."""
    return (
        f"{message}; decided jointly with {others} others, within {max(0.01, 100.0 * gap):.2f} % of the best placement"
    )


def held_jointly(choices: Sequence[Choice]) -> str:
    """Return the sentence for a service that no radio site takes alone, and several hold jointly."""
    return f"No radio site takes all replicas; held jointly, ahead of other tiers: {_placed(choices)}"


def overflowing(choices: Sequence[Choice], found: Sequence[Shortage], left: int, nodes: int) -> str:
    """Return the sentence for a service whose replicas no node takes all, ``left`` of which find no place."""
    placed = _placed(choices)
    if not left:
        return f"No node takes all replicas: {placed}"
    variants = len({shortage.variant for shortage in found})
    if not choices:
        return failure(found, nodes, variants)
    return f"{left} replicas find no place ({placed} do): {failure(found, nodes, variants)}"


def _placed(choices: Sequence[Choice]) -> str:
    placed = ", ".join(f"{choice.replicas} on {choice.node}" for choice in choices[:_GAPS_TOLD])
    return placed + (f" and {len(choices) - _GAPS_TOLD} more" if len(choices) > _GAPS_TOLD else "")


def failure(found: Sequence[Shortage], nodes: int, variants: int) -> str:
    """Return the sentence for a service that fits nowhere: what is short, where it is nearest, and by how much."""
    if nodes == 0:
        return "There is no ComputeNode to choose from: register one, or label a Node with its tier"
    gaps = [f"as {shortage.variant}, {shortage.gap}" if variants > 1 else shortage.gap for shortage in found]
    more = [f"{len(gaps) - _GAPS_TOLD} more limits"] if len(gaps) > _GAPS_TOLD else []
    return f"No node of {nodes} fits: {'; '.join([*gaps[:_GAPS_TOLD], *more])}"


def _of_variant(judgement: Judgement, tried: BoolArray) -> list[Shortage]:
    reasons = dict.fromkeys(rejection.reason for rejection in judgement.rejections)
    return [shortage for reason in reasons if (shortage := _of_reason(judgement, tried, reason)) is not None]


def _of_reason(judgement: Judgement, tried: BoolArray, reason: Reason) -> Shortage | None:
    """Return the shortage that sums up all limits of one reason; None where no node that was tried misses them."""
    count, nearest = 0, (np.inf, np.inf, -1, -1)
    for place, rejection in enumerate(judgement.rejections):
        rows = np.flatnonzero(tried & (judgement.first == place))
        if rejection.reason is reason and len(rows):
            count += len(rows)
            miss, rank = (
                rejection.measure.miss(rejection.required, np.asarray(rejection.available[rows], dtype=np.float64)),
                judgement.problem.table.rank[rows],
            )
            nearer = np.flatnonzero(miss == miss.min())
            closest = nearer[np.argmin(rank[nearer])]
            nearest = min(nearest, (float(miss[closest]), float(rank[closest]), place, int(rows[closest])))
    *_, place, row = nearest
    return None if count == 0 else _shortage(judgement, judgement.rejections[place], row, count)


def _shortage(judgement: Judgement, rejection: Rejection, row: int, count: int) -> Shortage:
    node, measure = judgement.problem.table.names[row], rejection.measure
    offered = float(rejection.available[row])
    unknown = np.isnan(offered)
    return Shortage(
        reason=rejection.reason,
        variant=judgement.problem.variant.name,
        count=count,
        nearest=node,
        required=measure.text(rejection.required),
        available=f"unknown: {rejection.unknown}" if unknown else measure.text(max(0.0, offered)),
        required_value=rejection.required,
        available_value=None if unknown else offered,
        gap=measure.gap(rejection.required, offered, node, rejection.unknown),
    )
