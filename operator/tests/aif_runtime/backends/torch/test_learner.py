"""PyTorch's learner: a cut changes no bit, and it learns as the one in NumPy does."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
import torch
from torch import nn

from aif_runtime.backends.choosing import Backend, built
from aif_runtime.backends.torch.learner import TorchLearner
from aif_runtime.learning.arrays import Arrays, digest
from aif_runtime.learning.averaging import weighted_mean
from aif_runtime.learning.compression import magnitude_masks
from aif_runtime.learning.data import BloodPressure, Examples, Images, Split, Task, digits
from aif_runtime.learning.distillation import distil
from aif_runtime.learning.errors import InvalidRole, UnfitUpdate
from aif_runtime.learning.learner import Learner, Plan
from aif_runtime.learning.losses import Loss
from aif_runtime.learning.training import Turn, batches, evaluate, train
from aif_runtime.serving.engine import load

PLAN = Plan(learning_rate=0.05, momentum=0.9, batch=32, epochs=2)
TURN = Turn(seed=3, client=0, round=1)
DIGITS = digits(Split(seed=1))
FEW = DIGITS.client(0).at(np.arange(160))
PICTURES = Images(Split(seed=1), 24)
SOME = PICTURES.client(0).at(np.arange(8))
SHORT = replace(PLAN, batch=4, epochs=1)
NORMED = Task(12, 3, Loss.CROSS_ENTROPY)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def a_model(name: str = "cnn", task: Task = DIGITS.task, **plan: float) -> Learner:
    """Return a model with some fields of its plan replaced."""
    return built(Backend.TORCH, name, (), task, 5, replace(PLAN, **plan))  # type: ignore[arg-type]


def over(model: Learner, cut: str, examples: Examples, plan: Plan = PLAN) -> Arrays:
    """Return the numbers of a model that was trained over a cut."""
    bottom, top = model.bottom(cut), model.top(cut)
    for rows in batches(len(examples), plan, TURN):
        part = examples.at(rows)
        bottom.backward(top.learn(bottom.forward(part.x), part.y)[0])
    return model.state


@pytest.mark.parametrize("name", ["mlp-4", "cnn"])
def test_training_over_every_cut_gives_the_same_bits(name: str) -> None:
    whole = a_model(name)
    train(whole, FEW, PLAN, TURN)
    wrong = [cut for cut in whole.cuts if digest(over(a_model(name), cut, FEW)) != digest(whole.state)]
    assert not wrong


@pytest.mark.parametrize("cut", ["conv1", "layer1_0_add", "layer2_3_relu_out", "layer4_2_add", "avgpool", "flatten"])
def test_a_residual_network_can_be_cut_where_its_ways_meet(cut: str) -> None:
    bottom_and_top = over(a_model("resnet-50", PICTURES.task), cut, SOME, SHORT)
    assert digest(bottom_and_top) == _in_one_piece()


@cache
def _in_one_piece() -> str:
    """Return the digest of a ResNet-50 that was trained in one piece."""
    whole = a_model("resnet-50", PICTURES.task)
    train(whole, SOME, SHORT, TURN)
    return digest(whole.state)


def test_no_cut_lies_where_two_tensors_are_alive() -> None:
    cuts = a_model("resnet-50", PICTURES.task).cuts
    assert "layer1_0_conv2" not in cuts
    assert "layer1_0_downsample_0" not in cuts
    with pytest.raises(InvalidRole, match="cannot be cut at 'layer1_0_conv2'"):
        a_model("resnet-50", PICTURES.task).bottom("layer1_0_conv2")


@pytest.mark.parametrize("more", [{}, {"momentum": 0.0}, {"l1": 1e-3}, {"proximal": 0.5}])
def test_it_learns_as_the_learner_in_numpy_does(more: dict[str, float]) -> None:
    plan = replace(PLAN, **more)  # type: ignore[arg-type]
    both = [built(backend, "mlp-4", (), DIGITS.task, 5, plan) for backend in (Backend.NUMPY, Backend.TORCH)]
    assert digest(both[0].state) == digest(both[1].state)
    for model in both:
        model.load(model.state)
        train(model, FEW, plan, TURN)
    for name, array in both[0].state.items():
        np.testing.assert_allclose(both[1].state[name], array, atol=2e-5)
    for name, array in both[0].velocity.items():
        np.testing.assert_allclose(both[1].velocity.get(name, array), array, atol=2e-4)


def test_the_same_seed_gives_the_same_digest() -> None:
    found = set()
    for _ in range(2):
        model = a_model()
        train(model, FEW, PLAN, TURN)
        found.add(digest(model.state))
    assert len(found) == 1


def test_a_state_does_not_change_with_the_model() -> None:
    model = a_model()
    before = model.state
    noted = digest(before)
    train(model, FEW, PLAN, TURN)
    assert digest(before) == noted
    assert digest(model.state) != noted


def test_momentum_goes_on_where_it_was_remembered() -> None:
    whole, parted = a_model(), a_model()
    first, second = FEW.at(np.arange(32)), FEW.at(np.arange(32, 64))
    for part in (first, second):
        whole.learn(part.x, part.y)
    parted.learn(first.x, first.y)
    again = a_model()
    again.load(parted.state)
    again.remember(parted.velocity)
    again.learn(second.x, second.y)
    assert digest(again.state) == digest(whole.state)
    again.forget()
    assert not again.velocity


def test_both_halves_have_all_numbers_between_them() -> None:
    model = a_model("resnet-50", PICTURES.task)
    for cut in model.cuts:
        bottom, top = set(model.bottom(cut).state), set(model.top(cut).state)
        assert bottom | top == set(model.state)
        assert not bottom & top


def a_normed_model(steps: int) -> TorchLearner:
    """Return a model with a counter, after some steps."""
    model = TorchLearner(nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)), NORMED, PLAN)
    for _ in range(steps):
        model.learn(np.random.default_rng(0).random((4, 12), dtype=np.float32), np.array([0, 1, 2, 0]))
    return model


def test_counters_are_not_averaged() -> None:
    one, other = a_normed_model(1), a_normed_model(3)
    mean = weighted_mean([one.state, other.state], [1, 1])
    assert mean["1.num_batches_tracked"] == 1
    assert mean["1.num_batches_tracked"].dtype == np.int64
    other.load(mean)
    assert digest(other.state) == digest(mean)


def test_numbers_of_another_shape_are_refused() -> None:
    model = a_model()
    with pytest.raises(UnfitUpdate, match=r"fc2.bias has the shape \(3,\)"):
        model.load({**model.state, "fc2.bias": np.zeros(3, dtype=np.float32)})
    with pytest.raises(UnfitUpdate, match=r"fc2.bias has the shape \(3,\)"):
        model.top("flatten").load({**model.state, "fc2.bias": np.zeros(3, dtype=np.float32)})


def test_pruned_weights_stay_at_zero_while_others_learn() -> None:
    model = a_model()
    masks = magnitude_masks(model.state, 0.5)
    model.hold(masks)
    before = model.state
    train(model, FEW, PLAN, TURN)
    assert not model.state["conv2.weight"][masks["conv2.weight"] == 0].any()
    assert (model.state["conv2.weight"] != before["conv2.weight"]).any()


def test_a_small_network_learns_digits() -> None:
    model = a_model()
    train(model, DIGITS.client(0), replace(PLAN, epochs=6), TURN)
    assert evaluate(model, DIGITS.test(), DIGITS.task)["accuracy"] > 0.95


def test_the_regressor_predicts_blood_pressure_nearly_as_well_as_can_be() -> None:
    data = BloodPressure(Split(seed=7), 2000)
    model = built(Backend.TORCH, "blood-pressure", (), data.task, 7, Plan(0.02, 0.9, 32, 15))
    train(model, data.client(0), model.plan, TURN)
    found = evaluate(model, data.test(), data.task)
    assert found["error0"] < 5.5
    assert found["error1"] < 4.5


def test_a_student_of_one_kind_learns_from_a_teacher_of_the_other() -> None:
    teacher = built(Backend.NUMPY, "mlp-3", (), DIGITS.task, 1)
    train(teacher, DIGITS.client(0), replace(PLAN, epochs=8), TURN)
    student = built(Backend.TORCH, "mlp-2", (24,), DIGITS.task, 2)
    distil(student, teacher, DIGITS.client(0), replace(PLAN, epochs=8), TURN, 4.0)
    assert evaluate(student, DIGITS.test(), DIGITS.task)["accuracy"] > 0.9


@pytest.mark.parametrize("name", ["mlp-3", "cnn"])
def test_a_model_answers_the_same_once_it_is_onnx(name: str, tmp_path: Path) -> None:
    model = a_model(name)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.exported())
    served = load(str(path))
    x = DIGITS.test().x[:5]
    shaped = x.reshape(5, *served.shape)
    np.testing.assert_allclose(served.run(shaped), model.predict(x), rtol=1e-3, atol=1e-4)
    assert served.flops == sum(layer.flop for layer in model.layers)
    assert len(onnxruntime.InferenceSession(str(path)).get_inputs()) == 1


class Deciding(nn.Module):
    """A model that decides by its numbers what to do, so that it cannot be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(12, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.fc(x) if x.sum() > 0 else self.fc(-x)


def test_a_model_that_cannot_be_traced_can_be_cut_at_its_ends() -> None:
    examples = Examples(np.random.default_rng(1).random((8, 12), dtype=np.float32), np.arange(8) % 3)
    plan = replace(PLAN, batch=4)

    def fresh() -> TorchLearner:
        torch.manual_seed(1)
        return TorchLearner(Deciding(), NORMED, plan)

    whole = fresh()
    assert whole.cuts == ("Input", "Output")
    assert [layer.parameters for layer in whole.layers] == [0, 39]
    train(whole, examples, plan, TURN)
    for cut in whole.cuts:
        assert digest(over(fresh(), cut, examples, plan)) == digest(whole.state)


def test_a_network_for_pictures_refuses_other_data() -> None:
    with pytest.raises(InvalidRole, match="vgg-16 learns from pictures"):
        a_model("vgg-16", NORMED)
    with pytest.raises(InvalidRole, match="there is no built-in model 'vgg-99'"):
        a_model("vgg-99", NORMED)
