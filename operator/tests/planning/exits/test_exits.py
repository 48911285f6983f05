"""Early exits: regression, exit and cut together, changing links and cascades, beside brute force and by hand."""

from __future__ import annotations

from itertools import combinations, pairwise, product
from math import inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.errors import InvalidInput, InvalidSpec
from aif.planning.exits.cascade import CascadeTier, Evaluation, best_threshold, cascade
from aif.planning.exits.changepoints import expected_rates, segments
from aif.planning.exits.latency_regression import Measurement, fit, layer_seconds, least_squares
from aif.planning.exits.plan import Exit, plan_exits
from aif.planning.exits.replay import replay
from aif.planning.models.tables import built_in

figures = st.integers(0, 20).map(float)


@st.composite
def exits(draw: st.DrawFn) -> list[Exit]:
    found = []
    for index in range(draw(st.integers(1, 4))):
        count = draw(st.integers(1, 4))
        user, network, bits = (np.array(draw(st.lists(figures, min_size=count, max_size=count))) for _ in range(3))
        cuts = tuple(f"c{cut}" for cut in range(count))
        found.append(Exit(f"e{index}", draw(st.integers(0, 4)) / 4, cuts, user, network, bits))
    return found


@given(exits(), st.lists(st.integers(1, 9).map(float), min_size=1, max_size=4), st.integers(1, 40), st.integers(0, 3))
@settings(deadline=None)
def test_exit_and_cut_are_the_best_of_all_pairs(
    given: list[Exit], rates: list[float], deadline: int, delay: int
) -> None:
    plans = plan_exits(given, rates, deadline, delay)
    for row, rate in enumerate(rates):
        pairs = [
            (
                one.user_seconds[c] + one.network_seconds[c] + one.bits[c] / rate + (delay if one.bits[c] else 0),
                one.accuracy,
            )
            for one in given
            for c in range(len(one.cuts))
        ]
        kept = [(accuracy, -seconds) for seconds, accuracy in pairs if seconds <= deadline]
        chosen = given[plans.exits[row]]
        assert plans.in_time[row] == bool(kept)
        assert plans.accuracy[row] == chosen.accuracy
        expected = -max(kept)[1] if kept else min(seconds for seconds, _ in pairs)
        assert plans.seconds[row] == pytest.approx(expected)
        assert chosen.latency(rate, delay)[plans.cuts[row]] == pytest.approx(plans.seconds[row])


def test_a_faster_link_never_makes_the_answer_less_accurate() -> None:
    given = [
        Exit("early", 0.5, ("a", "early"), np.array([1.0, 2.0]), np.array([1.0, 0.0]), np.array([8.0, 0.0])),
        Exit("full", 0.8, ("a", "full"), np.array([1.0, 9.0]), np.array([2.0, 0.0]), np.array([8.0, 0.0])),
    ]
    plans = plan_exits(given, [1.0, 2.0, 4.0, 8.0], 5.0)
    assert [given[place].name for place in plans.exits] == ["early", "early", "full", "full"]
    assert plans.accuracy.tolist() == sorted(plans.accuracy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"exits": []}, "exits: must hold at least one exit", id="no exit"),
        pytest.param({"rates": [0.0]}, "bitPerSecond: must be greater than 0", id="no link"),
        pytest.param({"rates": [np.nan]}, "bitPerSecond: must be greater than 0, not nan", id="NaN"),
        pytest.param({"deadline": -1.0}, "deadlineSeconds: must be greater than 0", id="negative deadline"),
    ],
)
def test_plans_of_exits_refuse_what_makes_no_sense(changes: dict[str, list[float] | float], message: str) -> None:
    one = Exit("e", 0.5, ("c",), np.zeros(1), np.zeros(1), np.zeros(1))
    given = {"exits": [one], "rates": [1.0], "deadline": 1.0} | changes
    with pytest.raises(InvalidSpec, match=message):
        plan_exits(given["exits"], given["rates"], given["deadline"])  # type: ignore[arg-type] # wrong on purpose


def test_an_exit_with_arrays_of_different_lengths_is_refused() -> None:
    with pytest.raises(InvalidSpec, match=r"exits\.e\.bits: must hold a figure for each of 1 cuts"):
        Exit("e", 0.5, ("c",), np.zeros(1), np.zeros(1), np.zeros(2))


def test_a_regression_finds_what_the_times_were_made_of() -> None:
    random = np.random.default_rng(1)
    flops, moved = random.uniform(1e6, 1e9, 40), random.uniform(1e4, 1e7, 40)
    seconds = 2e-5 + flops / 50e9 + moved / 10e9
    line = fit([Measurement("Conv", *row) for row in zip(flops, moved, seconds, strict=True)])["Conv"]
    assert (line.base, line.per_flop, line.per_byte) == pytest.approx((2e-5, 1 / 50e9, 1 / 10e9))
    assert line.r_squared == pytest.approx(1.0)


def test_each_kind_of_layer_has_its_own_line_and_a_constant_one_explains_everything() -> None:
    lines = fit([Measurement("Pool", 0.0, 0.0, 1e-4), Measurement("Conv", 1e9, 0.0, 1e-2)])
    assert lines["Pool"].seconds(1e9, 1e9) == pytest.approx(1e-4)
    assert lines["Conv"].seconds(1e9, 0.0) == pytest.approx(1e-2)
    assert lines["Pool"].r_squared == 1.0


@given(st.lists(st.tuples(figures, figures, figures), min_size=1, max_size=6), st.data())
@settings(deadline=None)
def test_least_squares_are_never_negative_and_no_small_step_betters_them(
    rows: list[tuple[float, float, float]], data: st.DataObject
) -> None:
    target = np.array(data.draw(st.lists(st.integers(-9, 9).map(float), min_size=len(rows), max_size=len(rows))))
    matrix = np.array(rows)
    found = least_squares(matrix, target)
    assert (found >= 0.0).all()
    slope = matrix.T @ (matrix @ found - target)
    scale = 1e-6 * (1.0 + np.abs(matrix).max() ** 2 * (1.0 + np.abs(target).max()))
    assert (slope >= -scale).all()
    assert np.abs(slope[found > 0.0]).max(initial=0.0) <= scale


def test_a_model_is_timed_layer_by_layer() -> None:
    graph = built_in("vgg16")
    kinds = {layer.kind for layer in graph.layers[1:]}
    lines = fit([Measurement(kind, 1e9, 0.0, 1e-2) for kind in kinds])
    expected = [lines[layer.kind].seconds(layer.flop, 0.0) for layer in graph.layers[1:]]
    assert layer_seconds(graph, lines)[1:].tolist() == pytest.approx(expected)
    with pytest.raises(InvalidInput, match="no measurement of a layer of kind Conv"):
        layer_seconds(graph, {kind: line for kind, line in lines.items() if kind != "Conv"})


@pytest.mark.parametrize(
    ("measurement", "message"),
    [
        pytest.param(Measurement("Conv", 1.0, 1.0, 0.0), "measurements.seconds: must be greater than 0", id="zero"),
        pytest.param(Measurement("Conv", -1.0, 1.0, 1.0), "measurements.flops: must be 0 or greater", id="negative"),
        pytest.param(Measurement("Conv", 1.0, np.nan, 1.0), "measurements.bytes_moved: must be .* nan", id="NaN"),
    ],
)
def test_measurements_that_make_no_sense_are_refused(measurement: Measurement, message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        fit([measurement])


def likelihood(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return len(values) * log(max(float(values.var()), 1e-4))


@given(st.lists(st.sampled_from([1.0, 2.0, 10.0, 11.0, 90.0]), min_size=3, max_size=11), st.floats(0.5, 20.0))
@settings(deadline=None)
def test_segments_are_the_likeliest_of_all(rates: list[float], penalty: float) -> None:
    values = np.log(rates)

    def worth(starts: tuple[int, ...]) -> float:
        ends = (*starts, len(rates))
        parts = [values[a:b] for a, b in pairwise(ends)]
        return inf if any(len(part) < 3 for part in parts) else sum(map(likelihood, parts)) + penalty * (len(parts) - 1)

    ways = [(0, *rest) for size in range(len(rates) // 3) for rest in combinations(range(1, len(rates)), size)]
    assert worth(segments(rates, penalty).starts) == pytest.approx(min(map(worth, ways)), abs=1e-9)


def test_a_link_that_falls_and_recovers_has_three_states() -> None:
    random = np.random.default_rng(3)
    levels = np.repeat([50e6, 5e6, 30e6], 40) * np.exp(random.normal(0.0, 0.1, 120))
    assert segments(levels).starts == pytest.approx((0, 40, 80), abs=1)


def test_noise_alone_is_one_state() -> None:
    random = np.random.default_rng(4)
    assert segments(50e6 * np.exp(random.normal(0.0, 0.2, 200))).starts == (0,)


@given(st.lists(st.integers(1, 50).map(float), min_size=2, max_size=20), st.data())
def test_what_is_expected_uses_nothing_that_comes_later(rates: list[float], data: st.DataObject) -> None:
    now = data.draw(st.integers(1, len(rates) - 1))
    later = data.draw(st.lists(st.integers(1, 50).map(float), min_size=len(rates) - now, max_size=len(rates) - now))
    expected, other = expected_rates(rates, penalty=3.0), expected_rates([*rates[:now], *later], penalty=3.0)
    assert expected[1 : now + 1].tolist() == other[1 : now + 1].tolist()


def test_no_history_has_no_states() -> None:
    with pytest.raises(InvalidSpec, match="bitPerSecond: must hold at least one sample"):
        segments([])


def test_following_the_link_beats_a_fixed_plan_and_foresight_bounds_both() -> None:
    given = [
        Exit("early", 0.5, ("early",), np.array([0.03]), np.zeros(1), np.zeros(1)),
        Exit("full", 0.8, ("a", "full"), np.array([0.01, 0.2]), np.array([0.01, 0.0]), np.array([1e6, 0.0])),
    ]
    random = np.random.default_rng(5)
    rates = np.repeat([50e6, 5e6, 50e6], 40) * np.exp(random.normal(0.0, 0.1, 120))
    found = replay(given, rates, 50e6, 0.06)
    assert found.static.in_time < 0.7
    assert 0.95 < found.changing.in_time <= found.foresight.in_time == 1.0
    assert found.static.accuracy < found.changing.accuracy <= found.foresight.accuracy
    assert found.changing.changes <= found.foresight.changes + 4


BINS = Evaluation(np.array([0.0, 0.5]), np.array([40.0, 60.0]), np.array([0.5, 0.9]), np.array([0.8, 0.95]))


def test_a_cascade_by_hand() -> None:
    """At 100 requests/s on one server of 4 ms, u = 0.4: the wait of M/D/1 is u·S/(2(1 - u)) = 1.333 ms."""
    found = cascade(BINS, CascadeTier(4e-3, 1, 1.0), CascadeTier(10e-3, 1, 5.0), 100.0, 2e-3)
    assert found.share_up.tolist() == pytest.approx([0.0, 0.4, 1.0])
    assert found.accuracy.tolist() == pytest.approx([0.74, 0.86, 0.89])
    assert found.upper_utilisation.tolist() == pytest.approx([0.0, 0.4, 1.0])
    first, second = 4e-3 + 0.4 * 4e-3 / 1.2, 10e-3 + 0.4 * 10e-3 / 1.2
    assert found.mean_seconds[:2].tolist() == pytest.approx([first, first + 0.4 * (2e-3 + second)])
    assert found.mean_seconds[2] == inf
    assert found.mean_joules.tolist() == pytest.approx([1.0, 3.0, 6.0])


@pytest.mark.parametrize(
    ("accuracy", "latency", "threshold"),
    [
        pytest.param(0.0, inf, 0, id="none asked for"),
        pytest.param(0.8, inf, 1, id="accuracy"),
        pytest.param(0.8, 0.02, 1, id="both"),
    ],
)
def test_the_quickest_threshold_that_keeps_both_limits_is_taken(
    accuracy: float, latency: float, threshold: int
) -> None:
    found = cascade(BINS, CascadeTier(4e-3), CascadeTier(10e-3), 100.0, 2e-3)
    assert best_threshold(found, accuracy, latency) == threshold


def test_limits_that_no_threshold_keeps_are_refused_with_how_near_it_comes() -> None:
    found = cascade(BINS, CascadeTier(4e-3), CascadeTier(10e-3), 100.0, 2e-3)
    with pytest.raises(InvalidInput, match=r"the most accurate that its servers bear reaches 0\.8600, the quickest"):
        best_threshold(found, 0.88)


@pytest.mark.parametrize("rate", [1.0, 100.0, 1e4])
def test_no_figure_of_a_cascade_is_ever_nan(rate: float) -> None:
    for servers, seconds in product((1, 4), (1e-3, 1.0)):
        found = cascade(BINS, CascadeTier(seconds, servers), CascadeTier(10e-3, servers), rate, 0.0)
        columns = (found.accuracy, found.mean_seconds, found.upper_seconds, found.upper_utilisation, found.mean_joules)
        assert not any(np.isnan(column).any() for column in columns)


@pytest.mark.parametrize(
    ("confidence", "requests", "message"),
    [
        pytest.param([0.5, 0.2], [1, 1], "bins.confidence: must hold rising", id="out of order"),
        pytest.param([0.0, 0.5], [0, 0], "bins.requests: must be greater than 0", id="no requests"),
        pytest.param([0.0, 1.5], [1, 1], "bins.confidence: must lie between 0 and 1", id="no share"),
        pytest.param([0.0, 0.5], [1, np.nan], "bins.requests: must be 0 or greater, not nan", id="NaN"),
    ],
)
def test_bins_that_make_no_sense_are_refused(confidence: list[float], requests: list[float], message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        Evaluation(np.array(confidence), np.array(requests), np.zeros(2), np.ones(2))
