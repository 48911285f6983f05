"""Completeness and redundancy of samples, by hand and by properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aif.errors import InvalidSpec
from aif.planning.kpi.data import (
    completeness,
    entropy,
    lossless,
    mutual_information,
    quantised,
    redundancy_bits,
    redundant,
    symbols,
)

COIN = np.array([0, 0, 1, 1])
OTHER_COIN = np.array([0, 1, 0, 1])

some_symbols = arrays.arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 8)), elements=st.integers(0, 3))
some_values = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.floats(-1e3, 1e3, width=32)
)


def test_completeness_is_the_share_of_lossless_samples() -> None:
    assert completeness(3, 4) == 0.75
    assert completeness(0, 4) == 0.0


@pytest.mark.parametrize(
    ("kept", "total", "complaint"),
    [
        pytest.param(0, 0, "samples: must hold at least one sample", id="no samples"),
        pytest.param(5, 4, "losslessSamples: must not exceed", id="more than all"),
        pytest.param(-1, 4, "losslessSamples: must be 0 or greater", id="negative"),
        pytest.param(1, np.nan, "samples: must be 0 or greater", id="unknown"),
    ],
)
def test_completeness_of_what_cannot_be_is_refused(kept: float, total: float, complaint: str) -> None:
    with pytest.raises(InvalidSpec, match=complaint):
        completeness(kept, total)


def test_a_sample_that_lost_a_value_is_not_lossless() -> None:
    assert lossless([[1.0, 2.0], [np.nan, 2.0], [0.0, 0.0]]).tolist() == [True, False, True]


def test_levels_divide_the_range_evenly() -> None:
    assert quantised([[0.0, 1.0, 2.0, 3.0, 4.0]], 4).tolist() == [[0, 1, 2, 3, 3]]
    assert quantised([[7.0, 7.0]], 4).tolist() == [[0, 0]], "no range"
    assert quantised([[-1.7e308, 1.7e308]], 2).tolist() == [[0, 1]], "a range beyond a float"


@pytest.mark.parametrize(
    ("counts", "bits"),
    [
        pytest.param([5], 0.0, id="certain"),
        pytest.param([1, 1], 1.0, id="a coin"),
        pytest.param([1, 1, 2], 1.5, id="by hand"),
        pytest.param([], 0.0, id="nothing"),
        pytest.param([0, 3], 0.0, id="what never occurs"),
    ],
)
def test_entropy(counts: list[int], bits: float) -> None:
    assert entropy(counts) == pytest.approx(bits)


def test_mutual_information_by_hand() -> None:
    assert mutual_information(COIN, COIN) == pytest.approx(1.0), "all is shared"
    assert mutual_information(COIN, 1 - COIN) == pytest.approx(1.0), "so it is where each is the other's opposite"
    assert mutual_information(COIN, OTHER_COIN) == pytest.approx(0.0), "nothing is"
    # H = 0.811278 (1 of 4), 1 (2 of 4), joint 1.5 (1, 1, 2 of 4)
    assert mutual_information(np.array([0, 0, 0, 1]), COIN) == pytest.approx(0.3112781245)


def test_redundancy_in_bit_by_hand() -> None:
    """Three samples, of which one pair shares 1 bit: (1/6)·(1 + 1)."""
    assert redundancy_bits(np.array([COIN, 1 - COIN, OTHER_COIN])) == pytest.approx(1 / 3)


@given(some_symbols)
def test_redundancy_in_bit_is_half_the_sum_over_ordered_pairs_per_sample(samples: np.ndarray) -> None:
    total = len(samples)
    ordered = sum(mutual_information(samples[i], samples[j]) for i in range(total) for j in range(total) if i != j)
    assert redundancy_bits(samples) == pytest.approx(ordered / (2 * total), abs=1e-9)


def test_redundancy_in_bit_grows_with_the_number_of_equal_samples() -> None:
    """Of n equal samples of 1 bit it is (n - 1)/2: no mean."""
    assert [redundancy_bits(np.array([COIN] * n)) for n in (1, 2, 3, 5)] == pytest.approx([0.0, 0.5, 1.0, 2.0])


def test_of_two_twins_one_is_redundant() -> None:
    assert redundant([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]], 0.0).tolist() == [False, True, False]
    assert redundant([[1.0, 0.0], [-1.0, 0.0]], 0.5).tolist() == [False, False], "opposites are far apart"


def test_the_limit_of_the_distance_counts_as_redundant() -> None:
    """The angle is 60 degrees: the distance is 0.5."""
    pair = [[1.0, 0.0], [0.5, np.sqrt(3) / 2]]
    assert redundant(pair, 0.5).tolist() == [False, True]
    assert redundant(pair, 0.499).tolist() == [False, False]


def test_zeros_are_twins_of_zeros_only() -> None:
    assert redundant([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]], 0.1).tolist() == [False, False, True]


def test_blocks_find_what_lies_in_another_block() -> None:
    samples = np.random.default_rng(1).normal(size=(1200, 40))
    samples[1100] = 3 * samples[7]
    samples[600] = samples[599]
    assert np.flatnonzero(redundant(samples, 1e-6)).tolist() == [600, 1100]


@given(some_symbols)
def test_information_is_symmetric_and_no_more_than_either_holds(samples: np.ndarray) -> None:
    first, second = samples[0], samples[-1]
    shared = mutual_information(first, second)
    assert shared == pytest.approx(mutual_information(second, first))
    assert 0.0 <= shared <= min(entropy(np.bincount(first)), entropy(np.bincount(second))) + 1e-9


@given(some_symbols, st.permutations(range(4)))
def test_names_of_symbols_do_not_matter(samples: np.ndarray, names: list[int]) -> None:
    assert redundancy_bits(np.array(names)[samples]) == pytest.approx(redundancy_bits(samples))
    assert redundancy_bits(symbols(samples * 0.1)) == pytest.approx(redundancy_bits(samples))


@given(some_values, st.floats(0.0, 2.0))
def test_a_wider_limit_finds_no_fewer_and_the_first_is_never_redundant(samples: np.ndarray, epsilon: float) -> None:
    found = redundant(samples, epsilon)
    assert not found[0]
    assert (found <= redundant(samples, min(2.0, epsilon * 1.5))).all()


@given(some_values, st.floats(1e-3, 1e3))
def test_the_length_of_a_sample_does_not_matter(samples: np.ndarray, factor: float) -> None:
    twice = np.vstack((samples, samples * factor))
    # A product so small that it is rounded has lost its direction; width=32 leaves none.
    assert redundant(twice, 1e-9)[len(samples) :].all()


@pytest.mark.parametrize(
    ("samples", "epsilon", "complaint"),
    [
        pytest.param([[np.nan]], 0.1, "samples: must hold finite numbers only", id="a lost value"),
        pytest.param([[1.0]], -0.1, "epsilon: must lie between 0 and 2", id="a negative limit"),
        pytest.param([[1.0]], np.nan, "epsilon: must lie between 0 and 2", id="no limit"),
    ],
)
def test_what_cannot_be_compared_is_refused(samples: list[list[float]], epsilon: float, complaint: str) -> None:
    with pytest.raises(InvalidSpec, match=complaint):
        redundant(samples, epsilon)


def test_one_level_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="levels: must be at least 2, not 1"):
        quantised([[1.0]], 1)
