"""Orchestration schemes: goal agreement, robustness, and the cheapest that meets the contract."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.qoais.schemes import Miss, Prices, Scheme, SchemeContract, compare, goal_agreement, robustness

PRICES = Prices(per_bit=1.0, per_byte=10.0, per_flop=100.0)

shares = st.floats(0.0, 1.0)


def a_scheme(name: str = "Centralised", **changes: Any) -> Scheme:
    """Return a scheme that costs 111."""
    scheme = Scheme(
        name, accuracy=0.9, goal_agreement=0.8, variance=1e-4, transfer_bits=1.0, storage_bytes=1.0, flops=1.0
    )
    return replace(scheme, **changes)


schemes = st.lists(
    st.builds(
        Scheme,
        name=st.text(),
        accuracy=shares,
        goal_agreement=st.none() | shares,
        variance=st.none() | st.floats(0.0, 0.25),
        transfer_bits=st.floats(0, 1e6),
        storage_bytes=st.floats(0, 1e6),
        flops=st.floats(0, 1e6),
    ),
    max_size=5,
)
contracts = st.builds(
    SchemeContract, min_accuracy=shares, min_goal_agreement=shares, max_variance=st.sampled_from([inf, 0.1, 1e-3])
)


def test_goal_agreement_sums_the_weights_of_goals_that_the_loss_covers() -> None:
    assert goal_agreement([0.5, 0.3, 0.2], [True, False, True]) == pytest.approx(0.7)
    assert goal_agreement([0.7, 0.3], [True, True]) == 1.0
    assert goal_agreement([1.0], [False]) == 0.0


@pytest.mark.parametrize(
    ("weights", "covered"),
    [
        pytest.param([0.5, 0.4], [True, True], id="less than 1"),
        pytest.param([1.0], [True, False], id="a goal without weight"),
        pytest.param([1.5, -0.5], [True, True], id="a negative weight"),
        pytest.param([float("nan"), 1.0], [True, True], id="an unknown weight"),
        pytest.param([], [], id="no goals"),
    ],
)
def test_weights_that_are_no_weights_are_refused(weights: list[float], covered: list[bool]) -> None:
    with pytest.raises(InvalidSpec, match=r"goals\.weight"):
        goal_agreement(weights, covered)


def test_robustness_is_the_variance_over_the_evaluations() -> None:
    assert robustness([0.9, 0.8, 0.7]) == pytest.approx(0.02 / 3)
    assert robustness([0.5, 0.5]) == 0.0


def test_one_evaluation_says_nothing_of_robustness() -> None:
    assert robustness([0.9]) is None


@given(st.lists(shares, min_size=2, max_size=8))
def test_robustness_knows_no_order_and_stays_within_bounds(seen: list[float]) -> None:
    found = robustness(seen)
    assert found is not None
    assert 0.0 <= found <= 0.25 + 1e-12
    assert robustness(sorted(seen)) == pytest.approx(found, abs=1e-12)


def test_cost_is_the_price_of_transfer_storage_and_compute() -> None:
    assert PRICES.cost(a_scheme(transfer_bits=3.0, storage_bytes=2.0, flops=5.0)) == 523.0


def test_the_cheapest_that_meets_the_contract_is_taken() -> None:
    cheap = a_scheme("Distributed", accuracy=0.7, flops=0.0)
    dear = a_scheme("Collaborative", flops=9.0)
    found = compare([dear, a_scheme(), cheap], SchemeContract(min_accuracy=0.8), PRICES)
    assert found.chosen == a_scheme()
    assert [one.scheme.name for one in found.judged] == ["Distributed", "Centralised", "Collaborative"]
    assert [one.cost for one in found.judged] == [11.0, 111.0, 911.0]
    assert found.judged[0].misses == (Miss("accuracy", 0.8, 0.7),)


def test_of_equally_cheap_ones_the_more_accurate_is_taken() -> None:
    better = a_scheme("Distributed", accuracy=0.95)
    assert compare([a_scheme(), better], SchemeContract(), PRICES).chosen == better


@pytest.mark.parametrize(
    ("contract", "changes", "miss"),
    [
        pytest.param(SchemeContract(min_accuracy=0.95), {}, Miss("accuracy", 0.95, 0.9), id="accuracy"),
        pytest.param(SchemeContract(min_goal_agreement=0.9), {}, Miss("goalAgreement", 0.9, 0.8), id="goals"),
        pytest.param(
            SchemeContract(min_goal_agreement=0.1),
            {"goal_agreement": None},
            Miss("goalAgreement", 0.1, None),
            id="goals that nobody told",
        ),
        pytest.param(SchemeContract(max_variance=1e-5), {}, Miss("robustnessVariance", 1e-5, 1e-4), id="robustness"),
        pytest.param(
            SchemeContract(max_variance=1.0),
            {"variance": None},
            Miss("robustnessVariance", 1.0, None),
            id="robustness that was not measured",
        ),
        pytest.param(SchemeContract(max_transfer_bits=0.5), {}, Miss("transferBits", 0.5, 1.0), id="transfer"),
        pytest.param(SchemeContract(max_storage_bytes=0.5), {}, Miss("storageBytes", 0.5, 1.0), id="storage"),
        pytest.param(SchemeContract(max_flops=0.5), {}, Miss("flop", 0.5, 1.0), id="compute"),
    ],
)
def test_what_is_missed_is_named(contract: SchemeContract, changes: dict[str, Any], miss: Miss) -> None:
    found = compare([a_scheme(**changes)], contract, PRICES)
    assert found.chosen is None
    assert found.judged[0].misses == (miss,)


def test_what_nobody_asks_for_need_not_be_measured() -> None:
    unmeasured = a_scheme(goal_agreement=None, variance=None)
    assert compare([unmeasured], SchemeContract(), PRICES).chosen == unmeasured


@given(schemes, contracts)
def test_no_cheaper_scheme_meets_the_contract(offered: list[Scheme], contract: SchemeContract) -> None:
    found = compare(offered, contract, PRICES)
    fit = [one.cost for one in found.judged if not one.misses]
    assert (found.chosen is None) == (not fit)
    if found.chosen is not None:
        assert PRICES.cost(found.chosen) == min(fit)
        assert found.chosen.accuracy >= contract.min_accuracy


@given(schemes, contracts)
def test_a_stricter_contract_is_never_cheaper(offered: list[Scheme], contract: SchemeContract) -> None:
    strict, loose = compare(offered, contract, PRICES).chosen, compare(offered, SchemeContract(), PRICES).chosen
    if strict is not None:
        assert loose is not None
        assert PRICES.cost(loose) <= PRICES.cost(strict)


@pytest.mark.parametrize(
    ("name", "value"),
    [("accuracy", 1.1), ("goal_agreement", -0.1), ("variance", -1.0), ("transfer_bits", float("nan"))],
)
def test_a_scheme_that_cannot_be_is_refused(name: str, value: float) -> None:
    changes: dict[str, Any] = {name: value}
    with pytest.raises(InvalidSpec):
        a_scheme(**changes)


def test_a_negative_price_is_refused() -> None:
    with pytest.raises(InvalidSpec, match=r"prices\.perFlop: must be 0 or greater"):
        Prices(0.0, 0.0, -1.0)
