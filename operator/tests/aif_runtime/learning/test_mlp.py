"""The perceptron: its gradients are right, and a cut changes no bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aif_runtime.learning.arrays import Array, Arrays, digest
from aif_runtime.learning.data import Examples, Split, digits
from aif_runtime.learning.errors import InvalidRole, UnfitUpdate
from aif_runtime.learning.learner import Plan
from aif_runtime.learning.losses import FUNCTIONS, Loss, log_softmax
from aif_runtime.learning.mlp import Mlp
from aif_runtime.learning.models import built, widths
from aif_runtime.learning.training import Turn, batches, evaluate, train

WIDTHS = (64, 24, 16, 10)
PLAN = Plan(learning_rate=0.1, momentum=0.9, batch=32, epochs=2)
TURN = Turn(seed=3, client=0, round=1)
CUTS = ("Input", "fc1", "relu1", "fc2", "relu2", "fc3", "Output")


@pytest.fixture(scope="module")
def examples() -> Examples:
    """Return some images."""
    return digits(Split(seed=1)).client(0).at(np.arange(200))


def an_mlp(**plan: float) -> Mlp:
    """Return a small model with some fields of its plan replaced."""
    return Mlp(WIDTHS, Loss.CROSS_ENTROPY, 5, replace(PLAN, **plan))  # type: ignore[arg-type]


def trained(examples: Examples) -> Arrays:
    """Return the model after a round in one piece."""
    whole = an_mlp()
    train(whole, examples, PLAN, TURN)
    return whole.state


@pytest.mark.parametrize("cut", CUTS)
def test_training_over_a_cut_gives_the_same_bits(examples: Examples, cut: str) -> None:
    model = an_mlp()
    bottom, top = model.bottom(cut), model.top(cut)
    for rows in batches(len(examples), PLAN, TURN):
        part = examples.at(rows)
        gradient, _ = top.learn(bottom.forward(part.x), part.y)
        bottom.backward(gradient)
    assert digest(model.state) == digest(trained(examples))


def test_both_halves_have_all_numbers_between_them() -> None:
    model = an_mlp()
    for cut in model.cuts:
        bottom, top = set(model.bottom(cut).state), set(model.top(cut).state)
        assert bottom | top == set(model.state)
        assert not bottom & top


def test_a_model_may_be_cut_after_every_layer() -> None:
    assert an_mlp().cuts == ("Input", "fc1", "relu1", "fc2", "relu2", "Output")


def test_a_cut_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidRole, match="cannot be cut at 'fc9'; it can at Input, fc1"):
        an_mlp().bottom("fc9")


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        pytest.param(Loss.CROSS_ENTROPY, np.array([1, 0, 2, 1]), id="classes"),
        pytest.param(Loss.SQUARED_ERROR, np.ones((4, 3), dtype=np.float32), id="values"),
    ],
)
def test_a_gradient_is_the_slope_of_the_loss(loss: Loss, y: Array) -> None:
    outputs = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    value, gradient = FUNCTIONS[loss](outputs, y)
    exact: Array = outputs.astype(np.float64)
    for place in np.ndindex(outputs.shape):
        moved = exact.copy()
        moved[place] += 1e-4
        slope = (FUNCTIONS[loss](moved, y)[0] - FUNCTIONS[loss](exact, y)[0]) / 1e-4
        assert gradient[place] == pytest.approx(slope, abs=2e-3)
    assert value > 0


def test_a_step_follows_the_slope_through_all_layers(examples: Examples) -> None:
    few = examples.at(np.arange(8))
    rate = 1e-3
    model = an_mlp(learning_rate=rate, momentum=0.0)
    before = {name: array.copy() for name, array in model.state.items()}
    model.learn(few.x, few.y)
    for name in ("fc1.weight", "fc2.bias", "fc3.weight"):
        place = np.unravel_index(np.argmax(np.abs(model.state[name] - before[name])), before[name].shape)
        losses = []
        for sign in (1, -1):
            probe = an_mlp()
            moved = {key: array.copy() for key, array in before.items()}
            moved[name][place] += sign * 1e-2
            probe.load(moved)
            losses.append(probe.loss(probe.predict(few.x), few.y))
        slope = (losses[0] - losses[1]) / 2e-2
        assert (before[name][place] - model.state[name][place]) / rate == pytest.approx(slope, rel=0.05)


def test_large_logits_do_not_overflow() -> None:
    found = log_softmax(np.array([[1e4, 0.0, -1e4]], dtype=np.float32))
    assert np.isfinite(found).all()


def test_momentum_takes_the_last_step_again(examples: Examples) -> None:
    few = examples.at(np.arange(8))
    with_momentum, without = an_mlp(), an_mlp(momentum=0.0)
    for model in (with_momentum, without):
        model.learn(few.x, few.y)
    assert digest(with_momentum.state) == digest(without.state)
    with_momentum.learn(few.x, few.y)
    without.learn(few.x, few.y)
    assert digest(with_momentum.state) != digest(without.state)


def test_momentum_that_forgot_steps_as_at_first(examples: Examples) -> None:
    few = examples.at(np.arange(8))
    one, other = an_mlp(), an_mlp()
    one.learn(few.x, few.y)
    other.load(one.state)
    one.forget()
    for model in (one, other):
        model.learn(few.x, few.y)
    assert digest(one.state) == digest(other.state)


def test_the_proximal_term_keeps_a_client_near_the_model_it_was_given(examples: Examples) -> None:
    distances = []
    for proximal in (0.0, 1.0, 10.0):
        model = an_mlp(momentum=0.0, learning_rate=0.05)
        start = model.state
        model.load(start)
        plan = replace(PLAN, momentum=0.0, learning_rate=0.05, proximal=proximal)
        model.plan = plan
        train(model, examples, plan, TURN)
        distances.append(sum(float(np.sum((model.state[name] - start[name]) ** 2)) for name in start))
    assert distances[0] > distances[1] > distances[2]


def test_training_with_l1_makes_weights_small(examples: Examples) -> None:
    sums = []
    for l1 in (0.0, 1e-3):
        plan = replace(PLAN, l1=l1)
        model = Mlp(WIDTHS, Loss.CROSS_ENTROPY, 5, plan)
        train(model, examples, plan, TURN)
        sums.append(sum(float(np.abs(array).sum()) for array in model.state.values()))
    assert sums[1] < sums[0]


def test_pruned_weights_stay_at_zero_while_others_learn(examples: Examples) -> None:
    model = an_mlp()
    mask = (np.arange(24 * 64).reshape(24, 64) % 2).astype(np.float32)
    model.hold({"fc1.weight": mask})
    train(model, examples, PLAN, TURN)
    assert not model.state["fc1.weight"][mask == 0].any()
    assert model.state["fc1.weight"][mask == 1].all()


def test_a_model_learns_what_it_is_taught() -> None:
    data = digits(Split(seed=2))
    model = built("mlp-3", (), data.task, 2)
    train(model, data.client(0), replace(PLAN, epochs=12, learning_rate=0.05), TURN)
    assert evaluate(model, data.test(), data.task)["accuracy"] > 0.95


def test_the_same_seed_gives_the_same_digest(examples: Examples) -> None:
    assert digest(trained(examples)) == digest(trained(examples))


def test_numbers_of_another_shape_are_refused() -> None:
    model = an_mlp()
    with pytest.raises(UnfitUpdate, match=r"fc1.bias has the shape \(3,\), the model needs \(24,\)"):
        model.load({**model.state, "fc1.bias": np.zeros(3, dtype=np.float32)})


@pytest.mark.parametrize(
    ("name", "hidden", "said"),
    [
        pytest.param("resnet", (), r"model.name: there is no built-in model 'resnet'", id="an unknown name"),
        pytest.param("mlp-0", (), "model.name", id="no layer"),
        pytest.param("mlp-3", (8,), r"model.hidden: mlp-3 has 2 hidden layers, 1 widths", id="too few widths"),
    ],
)
def test_a_model_that_is_not_built_in_is_refused(name: str, hidden: tuple[int, ...], said: str) -> None:
    with pytest.raises(InvalidRole, match=said):
        widths(name, hidden, digits(Split()).task)


def test_widths_halve_from_layer_to_layer() -> None:
    assert widths("mlp-5", (), digits(Split()).task) == (64, 128, 64, 32, 32, 10)
