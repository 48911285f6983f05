"""Numbers from outside, and their mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aif_runtime.learning import averaging
from aif_runtime.learning.arrays import Array, Arrays, digest, fit, stored_bytes
from aif_runtime.learning.averaging import weighted_mean
from aif_runtime.learning.errors import UnfitUpdate

LIKE: Arrays = {"w": np.zeros((2, 3), dtype=np.float32), "n": np.zeros(1, dtype=np.int64)}


def an_update(**arrays: Array) -> Arrays:
    """Return an update that fits, with some arrays replaced."""
    return {"w": np.ones((2, 3), dtype=np.float32), "n": np.ones(1, dtype=np.int64), **arrays}


@pytest.mark.parametrize(
    ("update", "said"),
    [
        pytest.param({"w": LIKE["w"]}, "lacks n", id="missing"),
        pytest.param(an_update(z=np.zeros(1)), "brings z", id="unknown"),
        pytest.param(an_update(w=np.ones((3, 2))), r"w has the shape \(3, 2\), the model needs \(2, 3\)", id="shape"),
        pytest.param(an_update(w=np.full((2, 3), np.nan)), "w holds 6 of 6 values that are not finite", id="NaN"),
        pytest.param(an_update(w=np.array([[1, 2, np.inf], [0, 0, 0]])), "w holds 1 of 6", id="infinite"),
        pytest.param(an_update(w=np.array([[1, 2, np.inf], [0, 0, -np.inf]])), "w holds 2 of 6", id="both infinities"),
        pytest.param(an_update(w=np.zeros((2, 3), dtype=np.complex64)), "holds complex64, no numbers", id="complex"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(update: Arrays, said: str) -> None:
    with pytest.raises(UnfitUpdate, match=said):
        fit(update, LIKE)


def test_what_fits_comes_in_the_kinds_of_the_model() -> None:
    found = fit(an_update(w=np.ones((2, 3))), LIKE)
    assert {name: array.dtype for name, array in found.items()} == {name: array.dtype for name, array in LIKE.items()}


def test_values_whose_sum_overflows_are_finite_all_the_same() -> None:
    huge = np.full((2, 3), np.finfo(np.float32).max, dtype=np.float32)
    with np.errstate(over="ignore"):
        assert fit(an_update(w=huge), LIKE)["w"] is huge


def test_a_digest_depends_on_names_shapes_kinds_and_values() -> None:
    array = np.arange(6, dtype=np.float32)
    others: tuple[Arrays, ...] = (
        {"b": array},
        {"a": array.reshape(2, 3)},
        {"a": array.astype(np.float64)},
        {"a": array + 1},
    )
    assert len({digest({"a": array}), *map(digest, others)}) == 5


def test_a_digest_does_not_depend_on_the_order_in_memory() -> None:
    array = np.arange(6.0).reshape(2, 3)
    assert digest({"a": array, "b": array}) == digest({"b": np.asfortranarray(array), "a": array})


def test_stored_bytes_are_those_of_all_arrays() -> None:
    assert stored_bytes(LIKE) == 24 + 8


@given(
    hnp.arrays(np.float32, (3, 4, 5), elements=st.floats(-1000, 1000, width=32)),
    st.lists(st.integers(1, 1000), min_size=3, max_size=3),
    st.integers(1, 40),
)
def test_the_mean_is_that_of_the_formula(values: Array, weights: list[int], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(averaging, "BLOCK", block)
        found = weighted_mean([{"w": value} for value in values], weights)["w"]
    wanted = np.average(values.astype(np.float64), axis=0, weights=weights)
    np.testing.assert_allclose(found, wanted, atol=1e-3)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_the_mean_keeps_the_kind(kind: type) -> None:
    assert weighted_mean([{"w": np.ones(3, dtype=kind)}] * 2, [1, 1])["w"].dtype == kind


def test_the_mean_of_one_is_that_one_to_the_bit() -> None:
    array = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert digest(weighted_mean([{"w": array}], [7])) == digest({"w": array})


def test_counters_are_not_averaged() -> None:
    found = weighted_mean([{"n": np.array([3])}, {"n": np.array([8])}], [1, 1])
    np.testing.assert_array_equal(found["n"], [3])


def test_what_is_averaged_stays_as_it_was() -> None:
    updates = [{"w": np.ones(3, dtype=np.float32)}, {"w": np.zeros(3, dtype=np.float32)}]
    weighted_mean(updates, [1, 1])
    assert [float(update["w"].sum()) for update in updates] == [3.0, 0.0]
