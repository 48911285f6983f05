"""Smaller models, students, and tables for the planner."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aif.planning.models.chain import Chain
from aif.planning.models.tables import of_text
from aif_runtime.learning.arrays import Array, digest, stored_bytes
from aif_runtime.learning.compression import (
    magnitude_masks,
    packed,
    quantised,
    restored,
    sparsity,
    threshold_masks,
    unpacked,
)
from aif_runtime.learning.data import Split, digits
from aif_runtime.learning.distillation import distil, divergence
from aif_runtime.learning.errors import MalformedFrame
from aif_runtime.learning.learner import Plan
from aif_runtime.learning.losses import Loss
from aif_runtime.learning.mlp import Mlp
from aif_runtime.learning.models import built
from aif_runtime.learning.profiling import cuts, table
from aif_runtime.learning.training import Turn, evaluate, train

sparse = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=3, max_side=8), elements=st.sampled_from([0, 0, 0, 1.5])
)


@given(sparse)
def test_what_is_packed_comes_out_as_it_was(array: Array) -> None:
    state = {"w": array, "b": array.ravel()[:3]}
    assert digest(unpacked(packed(state))) == digest(state)
    assert stored_bytes(packed(state)) <= stored_bytes(state) + 24 + array.size


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8, 0.95])
def test_pruning_takes_the_share_that_was_asked_for(share: float) -> None:
    model = Mlp((64, 50, 10), Loss.CROSS_ENTROPY, 1)
    model.hold(magnitude_masks(model.state, share))
    assert sparsity(model.state) == pytest.approx(share, abs=0.001)


def test_pruning_takes_the_smallest_over_the_whole_model() -> None:
    state = {"a": np.array([[1.0, 5.0]]), "b": np.array([[2.0, 6.0]])}
    masks = magnitude_masks(state, 0.5)
    np.testing.assert_array_equal(masks["a"], [[0, 1]])
    np.testing.assert_array_equal(masks["b"], [[0, 1]])


def test_a_threshold_takes_what_lies_below_it() -> None:
    np.testing.assert_array_equal(threshold_masks({"a": np.array([[-0.1, 0.3]])}, 0.2)["a"], [[0, 1]])


@given(hnp.arrays(np.float32, (4, 6), elements=st.floats(-100, 100, width=32)))
def test_eight_bits_miss_a_weight_by_half_a_step_at_most(array: Array) -> None:
    found = restored(quantised({"w": array}))["w"]
    step = np.abs(array).max(axis=1, keepdims=True) / 127
    assert (np.abs(found - array) <= step * 0.501 + 1e-30).all()


def test_eight_bits_take_about_a_quarter_of_the_bytes() -> None:
    state = Mlp((64, 128, 64, 10), Loss.CROSS_ENTROPY, 1).state
    assert stored_bytes(quantised(state)) / stored_bytes(state) == pytest.approx(0.25, abs=0.05)


def test_packed_parts_that_do_not_fit_are_refused() -> None:
    stored = packed({"w": np.eye(20, dtype=np.float32)})
    with pytest.raises(MalformedFrame, match="w cannot be unpacked"):
        unpacked({**stored, "w/values": stored["w/values"][:3]})
    with pytest.raises(MalformedFrame, match="w cannot be unpacked"):
        unpacked({name: array for name, array in stored.items() if name != "w/shape"})


def test_a_divergence_is_none_where_both_agree() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    loss, gradient = divergence(logits, logits, 4.0)
    assert loss == pytest.approx(0.0, abs=1e-5)
    assert np.abs(gradient).max() < 1e-6


def test_the_gradient_of_a_divergence_is_its_slope() -> None:
    generator = np.random.default_rng(0)
    student: Array = generator.normal(size=(3, 4))
    teacher: Array = generator.normal(size=(3, 4))
    _, gradient = divergence(student, teacher, 3.0)
    for place in np.ndindex(student.shape):
        moved = student.copy()
        moved[place] += 1e-3
        slope = (divergence(moved, teacher, 3.0)[0] - divergence(student, teacher, 3.0)[0]) / 1e-3
        assert gradient[place] == pytest.approx(slope, abs=5e-3)


def test_a_student_learns_more_from_a_teacher_than_from_few_labels() -> None:
    data = digits(Split(seed=1))
    whole = data.client(0)
    plan = Plan(epochs=10)
    teacher, alone, taught = (built("mlp-3", hidden, data.task, 3) for hidden in ((128, 64), (16, 16), (16, 16)))
    train(teacher, whole, plan, Turn(1, 0, 1))
    train(alone, whole.at(np.arange(100)), Plan(epochs=100), Turn(1, 0, 1))
    distil(taught, teacher, whole, Plan(learning_rate=0.02, epochs=10), Turn(1, 0, 1), 4.0)
    accuracy = [evaluate(model, data.test(), data.task)["accuracy"] for model in (alone, taught, teacher)]
    assert accuracy[1] > accuracy[0] + 0.02
    assert accuracy[1] > accuracy[2] - 0.04


def test_the_planner_reads_the_table_of_a_profile() -> None:
    model = built("mlp-3", (), digits(Split()).task, 1)
    graph = of_text(table("mlp-3", model.layers))
    assert graph.flop == 2 * (64 * 128 + 128 * 64 + 64 * 10)
    assert graph.parameters == sum(array.size for array in model.state.values())
    assert len(graph.legal_cuts) == len(model.cuts)


def test_the_planner_comes_to_the_same_cuts() -> None:
    layers = built("mlp-4", (), digits(Split()).task, 1).layers
    chain, own = Chain.of(of_text(table("mlp-4", layers))), cuts(layers)
    assert [row["cut"] for row in own] == list(chain.names)
    assert [row["flop"] for row in own] == list(chain.flops)
    assert [row["parameterBytes"] for row in own] == list(chain.parameter_bytes)
    # The result itself is neglected by the planner.
    assert [8 * row["activationBytes"] for row in own[:-1]] == list(chain.bits[:-1])
