"""The scheduling cycle: one service against all nodes, filtered, scored, and the best one taken ([AIF] node selection).

Start reading here. The order of plug-ins stands in `aif.scheduling.plugins`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from math import isfinite

import numpy as np

from aif.api.aiservice import AIService
from aif.api.base import Tier
from aif.api.computenode import Origin
from aif.api.conditions import Reason
from aif.api.workload import Variant
from aif.domain.policy import Policy
from aif.planning.arrays import BoolArray, FloatArray, IntArray
from aif.planning.demands import translate
from aif.planning.kpi.request import Prediction
from aif.planning.paths import Links
from aif.scheduling.claims import claim_on
from aif.scheduling.explanation import common_reason, failure, held_jointly, overflowing, shortages, success
from aif.scheduling.judgement import Judgement
from aif.scheduling.node_table import TIERS, NodeTable
from aif.scheduling.plugins import FILTERS
from aif.scheduling.problem import Problem
from aif.scheduling.ranking import SHOWN, Ranking
from aif.scheduling.selection import Choice, Forecast, Selection, Shortage
from aif.scheduling.spreading import capacity, spread

Judge = Callable[[int], Judgement]
"""Answers with the judgement in the variant of that place, made when first asked for."""


def select(service: AIService, table: NodeTable, policy: Policy) -> Selection:
    """Return the node for ``service``, with the evidence; finding none is a result, not an error.

    The ladder is climbed step by step; on a step, variants are tried in their order of preference; in a variant, nodes
    that miss a hard limit are out and the highest score wins. Every node is looked at, none is sampled.

    On a step of radio sites alone, sites that hold all replicas jointly come before the next step. Where no node of any
    step takes all replicas, they overflow from the best node to the next best.
    """
    return Contest(service, table, policy).select()


def holds(service: AIService, table: NodeTable, policy: Policy) -> bool:
    """Tell whether a node takes all replicas in some variant: then `select` takes one, and nothing is short.

    Nothing is scored and nothing explained, which is most of what a selection takes. Where no node does, several may
    still hold the replicas together.
    """
    contest = Contest(service, table, policy)
    climbed = contest.steps < len(policy.ladder)
    return bool((contest.fitting() & climbed).any())


class Contest:
    """A service against all nodes; what does not depend on what is free is counted once, however often it is held."""

    def __init__(self, service: AIService, table: NodeTable, policy: Policy) -> None:
        self.service = service
        self.table = table
        self.policy = policy
        self._problems: dict[int, Problem] = {}

    def problem(self, place: int) -> Problem:
        """Return the service in the variant of that place."""
        if place not in self._problems:
            variant = self.service.variants[place]
            self._problems[place] = Problem.of(self.service, variant, self.table, self.policy)
        return self._problems[place]

    @property
    def problems(self) -> list[Problem]:
        """Return the service in each of its variants."""
        return [self.problem(place) for place in range(len(self.service.variants))]

    def fitting(self) -> BoolArray:
        """Return which nodes take all replicas in some variant, as things are now."""
        fits = [Judgement.of(problem, FILTERS).fits for problem in self.problems]
        return np.asarray(self.table.considered & np.logical_or.reduce(fits))

    @property
    def steps(self) -> IntArray:
        """Return the step of the ladder on which each node stands; behind the last where on none."""
        steps = np.full(len(self.table), len(self.policy.ladder), dtype=np.int64)
        for step, tiers in reversed(list(enumerate(self.policy.ladder))):
            steps[self.table.of_tiers(tiers)] = step
        return steps

    def way(self, variant: Variant) -> int:
        """Return the place of ``variant`` among those of the service."""
        return [one.name for one in self.service.variants].index(variant.name)

    def scores(self, place: int) -> FloatArray:
        """Return the score of each node in the variant of that place as things are now; NaN where it does not fit."""
        problem = self.problem(place)
        rows = np.flatnonzero(Judgement.of(problem, FILTERS).fits & self.table.considered)
        scores = np.full(len(self.table), np.nan)
        if len(rows):
            ranking = Ranking.of(problem, rows, len(rows))
            scores[ranking.rows] = ranking.totals
        return scores

    def take(self, place: int, row: int) -> Selection | None:
        """Return the decision for the node in ``row`` and the variant of that place; None where it does not fit now."""
        table, steps = self.table, self.steps
        judgement = Judgement.of(self.problem(place), FILTERS)
        if not (judgement.fits & table.considered)[row]:
            return None
        step = int(steps[row])
        here = table.considered & (steps <= step)
        rows = np.flatnonzero(judgement.fits & here)
        ranking = Ranking.of(judgement.problem, rows, SHOWN, row)
        choices = [_choice(judgement.problem, ranking, at) for at in range(len(ranking.rows))]
        best = bool(ranking.totals[0] >= ranking.totals.max())
        found = _found(step, (choices, len(rows)), [(judgement, here)], table)
        return replace(found, message=success(choices[0], len(rows), best=best))

    def select(self) -> Selection:
        """Return the decision as things are now."""
        table, count = self.table, len(self.service.variants)
        judge = cache(lambda place: Judgement.of(self.problem(place), FILTERS))
        below = np.zeros(len(table), dtype=np.bool_)
        for step, tiers in enumerate(self.policy.ladder):
            here = table.considered & table.of_tiers(tiers)
            for place in range(count):
                if (judge(place).fits & here).any():
                    tried = [(judge(p), below | here if p <= place else below) for p in range(count)]
                    return _found(step, _candidates(judge, range(place, count), here), tried, table)
            below = below | here
            if (joint := self._joint(step, [(judge(place), below) for place in range(count)])) is not None:
                return joint
        tried = [(judge(place), table.considered) for place in range(count)]
        if self.problem(0).demand.replicas <= 1:
            return _nothing(tried, table)
        return _overflow(self.service, table, self.policy, tried)

    def _joint(self, step: int, tried: Sequence[tuple[Judgement, BoolArray]]) -> Selection | None:
        """Return the radio sites that hold all replicas jointly; None where it takes more, or the step has others."""
        replicas = self.problem(0).demand.replicas
        if replicas <= 1 or frozenset(self.policy.ladder[step]) != {Tier.RAN} or not self._roomy(replicas):
            return None
        reached = replace(self.policy, ladder=self.policy.ladder[: step + 1])
        parts = spread(self.service, self.table, reached, replicas)
        if sum(part.problem.demand.replicas for part in parts) < replicas:
            return None
        choices = tuple(_choice(part.problem, part.ranking, 0) for part in parts)
        missed = shortages([(judgement, nodes) for judgement, nodes in tried if nodes.any()])
        return _together(self.service, self.table, choices, missed, held_jointly(choices), step)

    def _roomy(self, replicas: int) -> bool:
        """Tell whether all radio sites together count for so many replicas, before they are tried one by one."""
        most = np.max([capacity(problem) for problem in self.problems], axis=0)
        return bool(most[self.table.considered & self.table.of_tiers({Tier.RAN})].sum() >= replicas)


def _together(
    service: AIService,
    table: NodeTable,
    choices: tuple[Choice, ...],
    missed: tuple[Shortage, ...],
    message: str,
    step: int | None,
) -> Selection:
    return Selection(
        choices=choices,
        candidates=choices[:SHOWN],
        rejections=missed,
        reason=Reason.AS_EXPECTED,
        message=message,
        demand=translate(service, choices[0].variant),
        step=step,
        nodes=int(np.count_nonzero(table.considered)),
    )


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
        return _together(service, table, choices, shortages(whole), overflowing(choices, (), 0, 0), parts[0].step)
    single = [Judgement.of(Problem.of(service, variant, full, policy, 1), FILTERS) for variant in service.variants]
    missed = shortages([(judgement, table.considered) for judgement in single])
    nodes = int(np.count_nonzero(table.considered))
    return Selection(
        choices=choices,
        candidates=choices[:SHOWN],
        rejections=missed,
        reason=common_reason(missed),
        message=overflowing(choices, missed, left, nodes),
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
            ranking = Ranking.of(judge(place).problem, rows, SHOWN - len(choices))
            choices += [_choice(judge(place).problem, ranking, at) for at in range(len(ranking.rows))]
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
        forecast=_forecast(problem.prediction, problem.links, row),
        demand=problem.demand,
        claim=claim_on(problem, row),
    )


def _forecast(prediction: Prediction, links: Links, row: int) -> Forecast:
    columns = (
        prediction.latency,
        prediction.communication,
        prediction.wait,
        prediction.compute,
        prediction.attainable,
        prediction.energy,
        prediction.accuracy,
        prediction.emission,
        links.up,
    )
    figures = [float(column[row]) for column in columns]
    return Forecast(*(figure if isfinite(figure) else None for figure in figures))
