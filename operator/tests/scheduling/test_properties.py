"""What holds of every decision, whatever the world."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from aif.api.aiservice import AIService
from aif.api.base import Tier
from aif.api.conditions import Reason
from aif.api.quantity import Quantity
from aif.scheduling.cycle import holds, select
from aif.scheduling.judgement import Judgement
from aif.scheduling.ledger import Ledger
from aif.scheduling.plugins import FILTERS
from aif.scheduling.problem import Problem
from aif.scheduling.ranking import Ranking
from aif.scheduling.selection import Selection
from tests.scheduling import oracle
from tests.scheduling.fleet import POLICY
from tests.scheduling.worlds import World, places, services, worlds

more = settings(max_examples=60, deadline=None)


def decide(service: AIService, world: World) -> Selection:
    """Return the selection for ``service`` in ``world``."""
    return select(service, world.table, POLICY)


def same(one: object, other: object) -> bool:
    """Return whether two values read alike, so that unknown equals unknown."""
    return repr(one) == repr(other)


def outcomes(selection: Selection) -> set[Reason]:
    """Return the reason of the decision and those of all refusals."""
    return {selection.reason, *(shortage.reason for shortage in selection.rejections)}


def fitting(service: AIService, world: World) -> set[tuple[str, str]]:
    """Return node and variant of every fit, by the second judgement."""
    return {
        (place.metadata.name, variant.name)
        for place in world.places
        for variant in service.variants
        if oracle.fits(
            service, variant, place, world.nodes[place.spec.node_name or ""], world.used(place.spec.node_name or "")
        )
    }


@pytest.mark.parametrize("reason", [Reason.AS_EXPECTED, Reason.LATENCY_INFEASIBLE, Reason.CAPACITY_RESERVED])
def test_the_worlds_below_are_worth_judging(reason: Reason) -> None:
    drawn = find(
        st.tuples(services(), worlds()),
        lambda pair: reason in outcomes(decide(*pair)),
        settings=settings(deadline=None, phases=[Phase.generate]),
    )
    assert reason in outcomes(decide(*drawn))


def alone(selection: Selection) -> bool:
    """Return whether one node takes all replicas."""
    return len(selection.choices) == 1 and not selection.shortfall


LADDERS = st.sampled_from([POLICY.ladder, (frozenset({Tier.RAN, Tier.EDGE}),), (frozenset({Tier.CLOUD}),)])


@more
@given(service=services(), world=worlds(), ladder=LADDERS, only=st.booleans())
def test_a_node_holds_a_service_where_it_would_be_chosen(
    service: AIService, world: World, ladder: tuple[frozenset[Tier], ...], *, only: bool
) -> None:
    table, policy = world.table, replace(POLICY, ladder=ladder)
    tables = [table.only({name}) for name in table.names] if only else [table]
    for each in tables:
        selection = select(service, each, policy)
        assert holds(service, each, policy) == (
            alone(selection) and selection.choices[0].replicas == replicas_of(service)
        )


def replicas_of(service: AIService) -> int:
    """Return how many replicas ``service`` asks for."""
    return service.spec.workload.replicas if service.spec.workload else 0


def part_of(service: AIService, replicas: int) -> AIService:
    """Return so many replicas of ``service`` with their share of the load, as a service of its own."""
    spec = service.spec
    assert spec.workload is not None
    update: dict[str, object] = {"workload": spec.workload.model_copy(update={"replicas": replicas})}
    if spec.load is not None:
        rate = spec.load.requests_per_second.value * replicas / spec.workload.replicas
        update["load"] = spec.load.model_copy(update={"requests_per_second": Quantity(str(rate), rate)})
    return service.model_copy(update={"spec": spec.model_copy(update=update)})


@more
@given(service=services(), world=worlds())
def test_a_hard_limit_is_never_broken_and_no_node_that_fits_is_refused(service: AIService, world: World) -> None:
    found = {
        (world.places[row].metadata.name, variant.name)
        for variant in service.variants
        for row in Judgement.of(Problem.of(service, variant, world.table, POLICY), FILTERS).fits.nonzero()[0]
    }
    assert found == fitting(service, world)


@more
@given(service=services(), world=worlds())
def test_the_choice_stands_on_the_first_step_and_variant_that_any_node_fits(service: AIService, world: World) -> None:
    selection, fits = decide(service, world), fitting(service, world)
    tiers = {place.metadata.name: place.spec.tier for place in world.places}
    order = [variant.name for variant in service.variants]
    ranked = sorted({(tiers[node] is not Tier.RAN, order.index(variant)) for node, variant in fits})
    if not ranked:
        assert all(choice.replicas < replicas_of(service) for choice in selection.choices)
    else:
        (chosen,) = selection.choices
        assert (chosen.tier is not Tier.RAN, order.index(chosen.variant.name)) == ranked[0]
        assert (chosen.node, chosen.variant.name) in fits


@more
@given(service=services(), world=worlds())
def test_scores_are_finite_and_between_0_and_100(service: AIService, world: World) -> None:
    for variant in service.variants:
        problem = Problem.of(service, variant, world.table, POLICY)
        rows = Judgement.of(problem, FILTERS).fits.nonzero()[0]
        if len(rows):
            ranking = Ranking.of(problem, rows)
            assert ((ranking.terms >= 0) & (ranking.terms <= 100)).all()
            assert ((ranking.totals >= 0) & (ranking.totals <= 100)).all()
            assert math.isclose(ranking.shares.sum(), 1.0)


@more
@given(service=services(), world=worlds(), data=st.data())
def test_a_node_that_does_not_fit_never_changes_the_choice(
    service: AIService, world: World, data: st.DataObject
) -> None:
    place = data.draw(places("added"))
    node = replace(next(iter(world.nodes.values())), name="worker-added") if world.nodes else None
    wider = World((*world.places, place), world.nodes | ({"worker-added": node} if node else {}), world.pods)
    sizes = range(1, replicas_of(service) + 1)
    if node is None or any(name == "added" for size in sizes for name, _ in fitting(part_of(service, size), wider)):
        return
    assert same(decide(service, wider).chosen, decide(service, world).chosen)


@more
@given(service=services(), world=worlds(), data=st.data())
def test_the_order_of_nodes_does_not_matter(service: AIService, world: World, data: st.DataObject) -> None:
    shuffled = World(tuple(data.draw(st.permutations(world.places))), world.nodes, world.pods)
    assert same(decide(service, shuffled), decide(service, world))


@more
@given(service=services(), world=worlds())
def test_every_node_is_accounted_for(service: AIService, world: World) -> None:
    selection = decide(service, world)
    assert selection.message
    assert len(selection.message) <= 1024
    if selection.chosen is None:
        for variant in service.variants:
            assert sum(s.count for s in selection.rejections if s.variant == variant.name) == len(world.places)
    assert all(s.nearest in {place.metadata.name for place in world.places} for s in selection.rejections)


@more
@given(service=services(), world=worlds())
def test_what_is_chosen_can_be_claimed(service: AIService, world: World) -> None:
    claims = [choice.claim for choice in decide(service, world).choices]
    assert Ledger().settle(service.metadata.uid, claims, world.nodes, world.pods) is None


@more
@given(service=services(), world=worlds())
def test_replicas_overflow_to_nodes_that_fit_and_none_is_left_out(service: AIService, world: World) -> None:
    selection = decide(service, world)
    assert sum(choice.replicas for choice in selection.choices) + selection.shortfall == replicas_of(service)
    taken = {choice.node: choice for choice in selection.choices}
    for name, choice in taken.items():
        assert (name, choice.variant.name) in fitting(part_of(service, choice.replicas), world)
    for left in range(1, selection.shortfall + 1):
        assert {node for node, _ in fitting(part_of(service, left), world)} <= set(taken)
