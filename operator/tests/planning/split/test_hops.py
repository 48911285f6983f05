"""Cuts over several sides beside brute force, and beside the planner for two."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import inf, isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.kpi.inference import Channel, Platform
from aif.planning.models.chain import Chain, Hop, Limits, Side
from aif.planning.models.graph import ModelGraph
from aif.planning.models.tables import built_in
from aif.planning.split.chain import NoSplit, Objective, best_cut
from aif.planning.split.hops import best_hops
from tests.planning.split.cases import chains, hops, limits, objectives, sides

PATH = (
    Side("phone", Platform(20e9, 4.0)),
    Side("radio site", Platform(200e9, 40.0)),
    Side("edge", Platform(2e12, 200.0)),
    Side("cloud", Platform(50e12, 2000.0)),
)
HOPS = (Hop(Channel(1e9, 1.0)), Hop(Channel(2e9, 1.0), 1e-3), Hop(Channel(1e9, 1.0), 10e-3))


def worth(
    chain: Chain, path: list[Side], links: list[Hop], objective: Objective, limits: Limits, cuts: tuple[int, ...]
) -> float:
    """Return the value of cuts from first principles; infinite where they break a limit."""
    ends = (0, *cuts, len(chain.names) - 1)
    memory = chain.memory_between()
    if any(memory[a, b] > side.memory_bytes for a, b, side in zip(ends, ends[1:], path, strict=False)):
        return inf
    if cuts[0] < len(chain.names) - 1 and chain.depths[cuts[0]] < limits.depth:
        return inf
    times = [(chain.flops[b] - chain.flops[a]) / s.rate for a, b, s in zip(ends, ends[1:], path, strict=False)]
    bits = [chain.bits[cut] for cut in cuts]
    sending = [size / hop.rate + (hop.delay_seconds if size else 0.0) for size, hop in zip(bits, links, strict=True)]
    if objective is Objective.THROUGHPUT:
        return float(max(*times, *sending))
    if objective is Objective.LATENCY:
        return float(sum(times) + sum(sending))
    joules = sum(time * side.watts for time, side in zip(times, path, strict=True))
    return float(joules + sum(size / hop.rate * hop.watts for size, hop in zip(bits, links, strict=True)))


@given(chains(), st.lists(sides(bounded=True), min_size=2, max_size=4), st.data(), objectives, limits)
@settings(max_examples=200, deadline=None)
def test_cuts_over_several_sides_are_as_good_as_the_best_of_all(
    graph: ModelGraph, path: list[Side], data: st.DataObject, objective: Objective, limits: Limits
) -> None:
    chain = Chain.of(graph)
    links = data.draw(st.lists(hops, min_size=len(path) - 1, max_size=len(path) - 1))
    ways = combinations_with_replacement(range(len(chain.names)), len(links))
    best = min(worth(chain, path, links, objective, limits, cuts) for cuts in ways)
    if best == inf:
        with pytest.raises(NoSplit):
            best_hops(chain, path, links, objective, limits)
        return
    found = best_hops(chain, path, links, objective, limits)
    assert isclose(found.value, best, rel_tol=1e-9, abs_tol=1e-12)
    assert isclose(worth(chain, path, links, objective, limits, found.cuts), best, rel_tol=1e-9, abs_tol=1e-12)


@given(chains(), sides(), sides(), hops, objectives, limits)
@settings(deadline=None)
def test_two_sides_are_cut_as_the_planner_for_two_does(
    graph: ModelGraph, user: Side, network: Side, hop: Hop, objective: Objective, limits: Limits
) -> None:
    chain = Chain.of(graph)
    two = best_cut(chain, user, network, hop, objective, limits)
    several = best_hops(chain, [user, network], [hop], objective, limits)
    assert isclose(two.costs.of(objective)[two.cut], several.value, rel_tol=1e-9, abs_tol=1e-12)
    assert two.gain == pytest.approx(several.gain)


def test_a_further_side_never_makes_it_worse() -> None:
    chain = Chain.of(built_in("resnet50"))
    bound = Limits(forbid_raw_input=True)
    for objective in Objective:
        values = [best_hops(chain, PATH[:k], HOPS[: k - 1], objective, bound).value for k in (2, 3, 4)]
        assert values == sorted(values, reverse=True)


def test_a_pipeline_spreads_work_over_sides_that_latency_would_leave_idle() -> None:
    chain = Chain.of(built_in("vgg16"))
    latency, throughput = (
        best_hops(chain, PATH, HOPS, objective) for objective in (Objective.LATENCY, Objective.THROUGHPUT)
    )
    assert len(set(throughput.cuts)) > len(set(latency.cuts))
    assert throughput.gain is not None
    assert throughput.gain > 1.05


def test_each_side_but_the_first_needs_a_hop() -> None:
    with pytest.raises(InvalidSpec, match="hops: must be 3, one between each of 4 sides, not 2"):
        best_hops(Chain.of(built_in("vgg16")), PATH, HOPS[:2])
