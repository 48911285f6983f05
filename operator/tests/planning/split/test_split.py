"""The split planner beside brute force, under limits, and on the published findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from math import inf, isclose

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.errors import InvalidInput, InvalidSpec
from aif.planning.kpi.inference import Channel, Platform
from aif.planning.models.chain import Chain, Encoding, Hop, Limits, Side
from aif.planning.models.graph import Layer, ModelGraph
from aif.planning.models.tables import built_in
from aif.planning.split.chain import CutTable, NoSplit, Objective, best_cut
from aif.planning.split.graph import Case, best_graph_cut
from tests.planning.split.cases import chains, graphs, hops, limits, objectives, sides

PHONE, EDGE = Side("phone", Platform(20e9, 4.0)), Side("edge", Platform(1e12, 100.0))


def a_hop(bits_per_second: float) -> Hop:
    return Hop(Channel(bits_per_second, 1.3))


def ways(graph: ModelGraph) -> Iterator[tuple[bool, ...]]:
    """Yield every assignment in which data crosses the link one way only and the input is the user's."""
    for inside in product((True, False), repeat=len(graph.layers)):
        closed = all(inside[s] or not inside[i] for i, sources in enumerate(graph.sources) for s in sources)
        if inside[0] and closed:
            yield inside


def worth(graph: ModelGraph, case: Case, inside: tuple[bool, ...]) -> float:
    """Return the value of one way to divide a model, from first principles; infinite where it breaks a limit."""
    used = [layer for layer, here in zip(graph.layers, inside, strict=True) if here]
    rest = [layer for layer, here in zip(graph.layers, inside, strict=True) if not here]
    sent = [i for i, here in enumerate(inside) if here and any(not inside[r] for r in graph.readers[i])]
    bits = [case.encoding.bits(graph)[i] for i in sent]
    local = sum(layer.flop for layer in used) / case.user.rate
    remote = sum(layer.flop for layer in rest) / case.network.rate
    sending = sum(size / case.hop.rate + (case.hop.delay_seconds if size else 0.0) for size in bits)
    joules = local * case.user.watts + remote * case.network.watts + sum(bits) / case.hop.rate * case.hop.watts
    kept = (
        all(graph.depths[i] >= case.limits.depth for i in sent)
        and memory(graph, used) <= case.user.memory_bytes
        and memory(graph, rest) <= case.network.memory_bytes
        and local + sending + remote <= case.limits.latency_seconds
        and joules <= case.limits.joules
    )
    figures = {Objective.LATENCY: local + sending + remote, Objective.ENERGY: joules}
    return figures.get(case.objective, max(local, sending, remote)) if kept else inf


def memory(graph: ModelGraph, layers: list[Layer]) -> float:
    """Return 4 bytes per parameter, and 4 per number of the tensors that are alive while a layer runs, at most."""
    last = {layer.name: max(graph.readers[i], default=i) for i, layer in enumerate(graph.layers)}
    peaks = [
        4 * sum(one.elements for i, one in enumerate(graph.layers) if i <= now <= last[one.name])
        for now, layer in enumerate(graph.layers)
        if now and layer in layers
    ]
    return 4 * sum(layer.parameters for layer in layers) + max(peaks, default=0.0)


@given(graphs(), sides(), sides(), hops, objectives, limits)
@settings(max_examples=250, deadline=None)
def test_a_cut_of_any_graph_is_as_good_as_the_best_of_all_ways(
    graph: ModelGraph, user: Side, network: Side, hop: Hop, objective: Objective, limits: Limits
) -> None:
    case = Case(user, network, hop, objective, limits)
    found = best_graph_cut(graph, case)
    best = min(worth(graph, case, inside) for inside in ways(graph))
    inside = tuple(i in found.user_layers for i in range(len(graph.layers)))
    assert isclose(found.value, best, rel_tol=1e-9, abs_tol=1e-12)
    assert isclose(worth(graph, case, inside), best, rel_tol=1e-9, abs_tol=1e-12)


@given(graphs(), sides(bounded=True), sides(bounded=True), hops, objectives, st.integers(1, 60).map(float))
@settings(max_examples=150, deadline=None)
def test_limits_of_memory_and_time_hold_and_the_best_of_what_keeps_them_is_found(
    graph: ModelGraph, user: Side, network: Side, hop: Hop, objective: Objective, most: float
) -> None:
    case = Case(user, network, hop, objective, Limits(latency_seconds=most))
    best = min(worth(graph, case, inside) for inside in ways(graph))
    if best == inf:
        with pytest.raises(NoSplit, match="relax limits"):
            best_graph_cut(graph, case)
    else:
        assert isclose(best_graph_cut(graph, case).value, best, rel_tol=1e-9, abs_tol=1e-12)


@given(chains(), sides(bounded=True), sides(bounded=True), hops, objectives, limits)
@settings(max_examples=150, deadline=None)
def test_a_chain_and_its_graph_agree(
    graph: ModelGraph, user: Side, network: Side, hop: Hop, objective: Objective, limits: Limits
) -> None:
    case = Case(user, network, hop, objective, limits)
    try:
        found = best_cut(Chain.of(graph), user, network, hop, objective, limits)
    except NoSplit:
        assert min(worth(graph, case, inside) for inside in ways(graph)) == inf
        return
    assert isclose(found.costs.of(objective)[found.cut], best_graph_cut(graph, case).value, abs_tol=1e-12)


@given(chains(), st.lists(st.tuples(*[st.integers(1, 50).map(float)] * 3), min_size=1, max_size=5), limits)
def test_a_table_of_cuts_decides_many_cases_as_the_planner_decides_each(
    graph: ModelGraph, rates: list[tuple[float, ...]], limits: Limits
) -> None:
    chain = Chain.of(graph)
    cuts = CutTable(chain, limits).cuts([[1 / rate for rate in case] for case in rates])
    for cut, (user, network, link) in zip(cuts, rates, strict=True):
        sides = (Side("u", Platform(user, 1.0)), Side("n", Platform(network, 1.0)))
        found = best_cut(chain, *sides, Hop(Channel(link, 1.0)), Objective.LATENCY, limits)
        values = found.costs.latency_seconds
        assert isclose(values[cut], values[found.cut], rel_tol=1e-9, abs_tol=1e-12)
        assert found.allowed[cut]


@given(chains(), sides(), sides(), hops, objectives)
def test_the_gain_over_the_better_end_is_never_below_one(
    graph: ModelGraph, user: Side, network: Side, hop: Hop, objective: Objective
) -> None:
    found = best_cut(Chain.of(graph), user, network, hop, objective)
    ends = found.costs.of(objective)[[0, -1]]
    assert found.gain == 1.0 if ends.min() == 0.0 else found.gain is not None and found.gain >= 1.0


def test_costs_of_a_cut_are_those_of_the_worked_example() -> None:
    """Cut 0 of [6GANA]: 4.05 ms and 2.20 J, all in the network."""
    chain = Chain.given(("0", "1", "6"), (0.0, 3.9e9, 31e9), (4.8e6, 24e6, 0.0))
    user, network = Side("user", Platform(1.4e12, 30.0)), Side("network", Platform(19.5e12, 400.0))
    costs = best_cut(chain, user, network, Hop(Channel(1.95e9, 636.0))).costs
    assert costs.latency_seconds[0] == pytest.approx(4.05e-3, rel=1e-3)
    assert costs.joules[0] == pytest.approx(2.20, rel=1e-3)


def test_raw_input_stays_where_it_is_forbidden_to_leave() -> None:
    chain = Chain.of(built_in("vgg16"))
    free, bound = (best_cut(chain, PHONE, EDGE, a_hop(1e9), limits=Limits(forbid)) for forbid in (False, True))
    assert (chain.names[free.cut], free.interior) == ("x", False)
    assert (chain.names[bound.cut], bound.interior) == ("features_0", True)
    assert bound.gain == pytest.approx(10.88, abs=0.01)


def test_a_minimum_depth_keeps_shallow_layers_on_the_users_side() -> None:
    chain = Chain.of(built_in("vgg16"))
    found = best_cut(chain, PHONE, EDGE, a_hop(1e9), limits=Limits(minimum_depth=3))
    assert chain.names[found.cut] == "features_5"
    assert chain.depths[found.cut] >= 3


def test_no_end_keeps_the_limits_so_there_is_no_gain_to_report() -> None:
    chain = Chain.of(built_in("vgg16"))
    small = replace(PHONE, memory_bytes=100e6)
    found = best_cut(chain, small, EDGE, a_hop(1e9), limits=Limits(forbid_raw_input=True))
    assert found.gain is None
    assert chain.memory_between()[0, found.cut] <= 100e6


def test_where_no_cut_keeps_every_limit_the_limits_are_named() -> None:
    chain = Chain.of(built_in("vgg16"))
    message = r"of 41, \d+ need more memory than phone has, 41 take longer than allowed$"
    with pytest.raises(NoSplit, match=message):
        best_cut(chain, replace(PHONE, memory_bytes=50e6), EDGE, a_hop(1e9), limits=Limits(latency_seconds=1e-6))


def test_a_cut_within_a_block_can_beat_every_legal_one() -> None:
    graph = built_in("googlenet")
    case = Case(PHONE, EDGE, a_hop(50e6), limits=Limits(forbid_raw_input=True))
    whole = best_cut(Chain.of(graph), PHONE, EDGE, case.hop, limits=case.limits)
    found = best_graph_cut(graph, case)
    assert found.value < 0.97 * whole.costs.latency_seconds[whole.cut]
    assert len(found.sent) == 4


def test_a_block_with_too_many_ways_is_refused_where_all_must_be_gone_through() -> None:
    branches = [Layer(f"b{i}", "Conv", ("x",), 1.0, 1.0) for i in range(18)]
    last = Layer("out", "Add", tuple(layer.name for layer in branches), 1.0, 1.0)
    graph = ModelGraph("wide", (Layer("x", "Input", (), 0.0, 1.0), *branches, last))
    with pytest.raises(InvalidInput, match="wide: more than 100,000 ways to cut between x and out"):
        best_graph_cut(graph, Case(PHONE, EDGE, a_hop(1e6), Objective.THROUGHPUT))
    assert best_graph_cut(graph, Case(PHONE, EDGE, a_hop(1e6))).value > 0.0


@pytest.mark.parametrize(
    ("flops", "bits", "message"),
    [
        pytest.param((0, 5, 3), (1, 1, 0), "flops: cuts are out of order: c holds less", id="out of order"),
        pytest.param((0, np.nan, 3), (1, 1, 0), "flops: must be 0 or greater, not nan", id="NaN"),
        pytest.param((0, 1, 3), (1, -1, 0), "bits: must be 0 or greater, not -1", id="negative"),
        pytest.param((0, 1), (1, 0), "flops: must hold a figure for each of 3 cuts", id="too few"),
        pytest.param((0, 1, np.inf), (1, 1, 0), "flops: must be 0 or greater .* inf", id="infinite"),
    ],
)
def test_tables_of_cuts_that_make_no_sense_are_refused(
    flops: tuple[float, ...], bits: tuple[float, ...], message: str
) -> None:
    with pytest.raises(InvalidSpec, match=message):
        Chain.given(("a", "b", "c"), flops, bits)


def test_one_cut_is_no_chain() -> None:
    with pytest.raises(InvalidSpec, match="cuts: must hold at least both ends"):
        Chain.given(("a",), (0.0,), (1.0,))


@pytest.mark.parametrize("field", ["activation_bits", "input_bits", "parameter_bits"])
def test_encodings_out_of_bounds_are_refused(field: str) -> None:
    with pytest.raises(InvalidSpec, match=f"bits.{field.partition('_')[0]}: must be greater than 0, not nan"):
        Encoding(**{field: np.nan})


RATES = [5e9, 20e9, 50e9], [2e6, 5e6, 10e6, 20e6, 50e6, 100e6, 200e6, 500e6]
"""FLOP/s of the user's side and bit/s of the link: 24 cases, the network at 100 GFLOP/s."""


def interior(model: str, encoding: Encoding, *, forbid: bool) -> int:
    """Return how many of 24 cases are served fastest with a cut inside the model."""
    chain = Chain.of(built_in(model), encoding)
    prices = [(1 / user, 1e-11, 1 / link) for user, link in product(*RATES)]
    cuts = CutTable(chain, Limits(forbid)).cuts(prices)
    return int(((cuts > 0) & (cuts < len(chain.names) - 1)).sum())


def drawn(encoding: Encoding) -> tuple[float, float]:
    """Return how often a cut inside VGG-16 is fastest in 200,000 random cases, and the mean gain over an end."""
    chain = Chain.of(built_in("vgg16"), encoding)
    random = np.random.default_rng(0)
    spans = ((8.5, 11.5), (11, 13), (5.9, 9.4))
    prices = np.stack([10 ** -random.uniform(low, high, 200_000) for low, high in spans], axis=-1)
    table = CutTable(chain)
    values, cuts = table.values(prices), table.cuts(prices)
    inside = (cuts > 0) & (cuts < len(chain.names) - 1)
    return float(inside.mean()), float((np.minimum(values[:, 0], values[:, -1]) / values.min(axis=1)).mean())


def test_no_cut_inside_vgg16_is_ever_fastest_for_an_image_of_the_size_it_takes() -> None:
    assert drawn(Encoding()) == (0.0, 1.0)


def test_a_frame_that_is_large_beside_what_the_model_takes_is_often_best_cut_inside() -> None:
    share, gain = drawn(Encoding(input_bits=1920 * 1080 * 3 * 32.0))
    assert share == pytest.approx(0.655, abs=0.01)
    assert gain == pytest.approx(1.62, abs=0.02)


@pytest.mark.parametrize(
    ("encoding", "forbid", "vgg16", "resnet50"),
    [
        pytest.param(Encoding(), False, 0, 0, id="as it is"),
        pytest.param(Encoding(), True, 15, 14, id="raw input forbidden"),
        pytest.param(Encoding(8.0), False, 0, 14, id="int8 activations"),
        pytest.param(Encoding(8.0), True, 20, 18, id="both"),
    ],
)
def test_cuts_inside_pay_where_raw_input_must_stay_or_activations_are_sent_short(
    encoding: Encoding, *, forbid: bool, vgg16: int, resnet50: int
) -> None:
    assert (interior("vgg16", encoding, forbid=forbid), interior("resnet50", encoding, forbid=forbid)) == (
        vgg16,
        resnet50,
    )
