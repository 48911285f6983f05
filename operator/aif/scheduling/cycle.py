"""The scheduling cycle: one service against all nodes, filtered, scored, and the best one taken ([AIF] node selection).

Start reading here. The order of plug-ins stands in `aif.scheduling.plugins`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Final

import numpy as np

from aif.api.aiservice import AIService
from aif.api.computenode import Origin
from aif.api.conditions import Reason
from aif.domain.policy import Policy
from aif.planning.arrays import BoolArray
from aif.planning.demands import translate
from aif.planning.kpi import Prediction
from aif.scheduling.claims import claim_on
from aif.scheduling.explanation import common_reason, failure, overflowing, shortages, success
from aif.scheduling.judgement import Judgement
from aif.scheduling.node_table import TIERS, NodeTable
from aif.scheduling.plugins import FILTERS
from aif.scheduling.problem import Problem
from aif.scheduling.ranking import Ranking
from aif.scheduling.selection import Choice, Forecast, Selection
from aif.scheduling.spreading import spread

SHOWN: Final = 5
"""How many candidates are kept as evidence."""


Judge = Callable[[int], Judgement]
"""Answers with the judgement in the variant of that place, made when first asked for."""


def select(service: AIService, table: NodeTable, policy: Policy) -> Selection:
    """Return the node for ``service``, with the evidence; finding none is a result, not an error.

    The ladder is climbed step by step; on a step, variants are tried in their order of preference; in a variant, nodes
    that miss a hard limit are out and the highest score wins. Every node is looked at, none is sampled.

    Where no node takes all replicas, they overflow from the best node to the next best.
    """
    variants = service.variants
    judge = cache(lambda place: Judgement.of(Problem.of(service, variants[place], table, policy), FILTERS))
    below = np.zeros(len(table), dtype=np.bool_)
    for step, tiers in enumerate(policy.ladder):
        here = table.considered & table.of_tiers(tiers)
        for place in range(len(variants)):
            if (judge(place).fits & here).any():
                tried = [(judge(p), below | here if p <= place else below) for p in range(len(variants))]
                return _found(step, _candidates(judge, range(place, len(variants)), here), tried, table)
        below = below | here
    tried = [(judge(place), table.considered) for place in range(len(variants))]
    replicas = tried[0][0].problem.demand.replicas
    return _nothing(tried, table) if replicas <= 1 else _overflow(service, table, policy, tried)


def _overflow(
    service: AIService, table: NodeTable, policy: Policy, whole: Sequence[tuple[Judgement, BoolArray]]
) -> Selection:
    """Return the nodes that take the replicas together, since none takes all of them."""
    demand = whole[0][0].problem.demand
    parts = spread(service, table, policy, demand.replicas)
    choices = tuple(_choice(part.problem, part.ranking, 0) for part in parts)
    left = demand.replicas - sum(choice.replicas for choice in choices)
    full = table.holding(choice.claim for choice in choices)
    if not left:
        missed, reason = shortages(whole), Reason.AS_EXPECTED
    else:
        single = [Judgement.of(Problem.of(service, variant, full, policy, 1), FILTERS) for variant in service.variants]
        missed = shortages([(judgement, table.considered) for judgement in single])
        reason = common_reason(missed)
    nodes = int(np.count_nonzero(table.considered))
    return Selection(
        choices=choices,
        candidates=choices[:SHOWN],
        rejections=missed,
        reason=reason,
        message=overflowing(choices, missed if left else (), left, nodes),
        demand=translate(service, choices[0].variant) if choices else demand,
        step=parts[0].step if parts else None,
        nodes=nodes,
        shortfall=left,
    )


def _candidates(judge: Judge, places: Iterable[int], here: BoolArray) -> tuple[list[Choice], int]:
    """Return the best nodes, and how many fit: those of the preferred variant first, each node once."""
    left, choices = here.copy(), list[Choice]()
    for place in places:
        rows = np.flatnonzero(judge(place).fits & left)
        if len(rows) and len(choices) < SHOWN:
            ranking = Ranking.of(judge(place).problem, rows)
            choices += [
                _choice(judge(place).problem, ranking, at) for at in range(min(len(rows), SHOWN - len(choices)))
            ]
        left[rows] = False
    return choices, int(np.count_nonzero(here & ~left))


def _found(
    step: int, candidates: tuple[list[Choice], int], tried: Sequence[tuple[Judgement, BoolArray]], table: NodeTable
) -> Selection:
    choices, fitting = candidates
    chosen = choices[0]
    return Selection(
        choices=(chosen,),
        candidates=tuple(choices),
        rejections=shortages([(judgement, nodes) for judgement, nodes in tried if nodes.any()]),
        reason=Reason.AS_EXPECTED,
        message=success(chosen, fitting),
        demand=chosen.demand,
        step=step,
        nodes=int(np.count_nonzero(table.considered)),
    )


def _nothing(tried: Sequence[tuple[Judgement, BoolArray]], table: NodeTable) -> Selection:
    missed, nodes = shortages(tried), int(np.count_nonzero(table.considered))
    return Selection(
        choices=(),
        candidates=(),
        rejections=missed,
        reason=common_reason(missed),
        message=failure(missed, nodes, len(tried)),
        demand=tried[0][0].problem.demand,
        step=None,
        nodes=nodes,
        shortfall=max(1, tried[0][0].problem.demand.replicas),
    )


def _choice(problem: Problem, ranking: Ranking, at: int) -> Choice:
    row, table = int(ranking.rows[at]), problem.table
    return Choice(
        node=table.names[row],
        node_name=table.node_names[row],
        tier=TIERS[table.tiers[row]],
        origin=Origin.EXTERNAL if table.external[row] else Origin.IN_NETWORK,
        variant=problem.variant,
        replicas=problem.demand.replicas,
        score=round(float(ranking.totals[at])),
        terms=ranking.terms_of(at),
        forecast=_forecast(problem.prediction, row),
        demand=problem.demand,
        claim=claim_on(problem, row),
    )


def _forecast(prediction: Prediction, row: int) -> Forecast:
    columns = (
        prediction.latency,
        prediction.communication,
        prediction.wait,
        prediction.compute,
        prediction.attainable,
        prediction.energy,
        prediction.accuracy,
        prediction.emission,
    )
    return Forecast(*(float(column[row]) if np.isfinite(column[row]) else None for column in columns))
