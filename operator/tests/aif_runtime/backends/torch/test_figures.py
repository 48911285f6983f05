"""What PyTorch counts is what the planner's tables say."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from aif_runtime.backends.choosing import Backend, built
from aif_runtime.learning.data import Task
from aif_runtime.learning.losses import Loss
from aif_runtime.learning.profiling import cuts, table

LARGE = Task(3 * 224 * 224, 1000, Loss.CROSS_ENTROPY, shape=(3, 224, 224))


@pytest.mark.parametrize(
    ("name", "committed", "gigaflop", "legal"),
    [
        pytest.param("vgg-16", "vgg16", 30.94, 41, id="VGG-16"),
        pytest.param("resnet-50", "resnet50", 8.18, 40, id="ResNet-50"),
    ],
)
def test_a_model_costs_what_the_committed_table_says(name: str, committed: str, gigaflop: float, legal: int) -> None:
    model = built(Backend.AUTO, name, (), LARGE, 0)
    wanted = json.loads((files("aif.planning.models.tables") / f"{committed}.json").read_text())["layers"]
    found = json.loads(table(name, model.layers))["layers"]
    assert [{**row, "window": None} for row in wanted] == found
    assert sum(row["flop"] for row in found) / 1e9 == pytest.approx(gigaflop, abs=0.005)
    assert len(model.cuts) == legal


def test_a_table_of_cuts_names_legal_ones_only() -> None:
    model = built(Backend.AUTO, "resnet-50", (), LARGE, 0)
    names = [row["cut"] for row in cuts(model.layers, model.cuts)]
    assert "layer1_0_conv2" not in names
    assert set(names) == {*model.cuts[1:-1], "x", "fc"}
