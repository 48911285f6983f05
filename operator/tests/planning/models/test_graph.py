"""Models as tables of layers: figures of published networks, legal cuts, and tables that are refused."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

from aif.errors import InvalidInput, InvalidSpec
from aif.planning.models.graph import Layer, ModelGraph, Window, ordered
from aif.planning.models.tables import NAMES, built_in, derived, of_text, text_of


def a_layer(name: str, *inputs: str, **figures: Any) -> Layer:
    return replace(Layer(name, "Conv" if inputs else "Input", inputs, 1.0 if inputs else 0.0, 1.0), **figures)


@pytest.mark.parametrize(
    ("name", "gigaflop", "parameters"),
    [
        ("vgg16", 30.94, 138_357_544),
        ("resnet50", 8.18, 25_557_032),
        ("resnet18", 3.63, 11_689_512),
        ("alexnet", 1.43, 61_100_840),
        ("mobilenet-v2", 0.60, 3_504_872),
        ("googlenet", 3.00, 6_624_904),
    ],
)
def test_committed_tables_have_the_published_figures(name: str, gigaflop: float, parameters: int) -> None:
    graph = built_in(name)
    assert round(graph.flop / 1e9, 2) == gigaflop
    assert graph.parameters == parameters


@pytest.mark.parametrize(("name", "legal", "layers"), [("vgg16", 41, 41), ("resnet50", 40, 176)])
def test_legal_cuts_are_as_many_as_a_trace_of_the_network_has(name: str, legal: int, layers: int) -> None:
    """A trace holds one node more, the output, which is no layer."""
    graph = built_in(name)
    assert (len(graph.legal_cuts), len(graph.layers)) == (legal, layers)


def test_legal_cuts_of_resnet50_lie_in_the_stem_between_the_blocks_and_in_the_tail() -> None:
    graph = built_in("resnet50")
    names = [graph.layers[cut].name for cut in graph.legal_cuts]
    assert names[:5] == ["x", "conv1", "bn1", "relu", "maxpool"]
    assert names[-3:] == ["avgpool", "flatten", "fc"]
    assert all(name.endswith(("_add", "_relu_out")) for name in names[5:-3])
    assert len(names[5:-3]) == 2 * 16


def test_tensors_of_vgg16_have_the_sizes_that_were_measured() -> None:
    bytes_of = {layer.name: layer.elements * 4 for layer in built_in("vgg16").layers}
    pools = ("x", "features_0", "features_4", "features_9", "features_16", "features_23", "features_30")
    assert [round(bytes_of[name] / 1e3) for name in pools] == [602, 12845, 3211, 1606, 803, 401, 100]


@pytest.mark.parametrize("name", NAMES)
def test_a_table_survives_being_written_and_read(name: str) -> None:
    graph = derived(name, 256)
    assert of_text(text_of(graph)) == graph


def test_more_pixels_mean_more_work_where_layers_are_convolutions() -> None:
    assert derived("resnet50", 448).flop > 3.9 * derived("resnet50").flop


@pytest.mark.parametrize(("name", "pixels"), [("vgg17", 224), ("alexnet", 8)])
def test_what_cannot_be_derived_is_refused(name: str, pixels: int) -> None:
    with pytest.raises(InvalidInput, match=r"there is no architecture vgg17; there are: alexnet|too small for alexnet"):
        derived(name, pixels)


def test_an_unknown_table_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match="no table of a model lenet; there are: alexnet, googlenet"):
        built_in("lenet")


CHAIN = (a_layer("x"), a_layer("a", "x"), a_layer("b", "a"))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        pytest.param(CHAIN[:1], "layers: must hold an input and at least one", id="too few"),
        pytest.param((*CHAIN, a_layer("a", "b")), r"layers\[3\]\.name: a stands twice", id="a name twice"),
        pytest.param((*CHAIN, a_layer("c", "z")), r"layers\[3\]\.inputs: z does not exist", id="unknown input"),
        pytest.param(
            (CHAIN[0], a_layer("a", "b"), a_layer("b", "a")),
            r"layers\[1\]\.inputs: b comes later or forms a cycle",
            id="a cycle",
        ),
        pytest.param((*CHAIN, a_layer("c", "c")), r"layers\[3\]\.inputs: c comes later or forms a cycle", id="itself"),
        pytest.param((*CHAIN, a_layer("c", "a")), "nothing reads b; only the last", id="two results"),
        pytest.param((*CHAIN, a_layer("c")), r"layers\[3\]\.inputs: the first layer reads nothing", id="two inputs"),
        pytest.param(
            (a_layer("x", "b", flop=0.0), *CHAIN[1:]),
            r"layers\[0\]\.inputs: the first layer reads nothing",
            id="no input",
        ),
        pytest.param((*CHAIN, a_layer("c", "b", flop=nan)), r"layers\[3\]\.flop: must be a finite .* nan", id="NaN"),
        pytest.param((*CHAIN, a_layer("c", "b", elements=-1)), r"layers\[3\]\.elements: must be .* -1", id="negative"),
        pytest.param(
            (a_layer("x", flop=1.0), *CHAIN[1:]), r"layers\[0\]\.flop: must be 0", id="an input that computes"
        ),
        pytest.param(
            (*CHAIN, a_layer("c", "b", rows=0)), r"layers\[3\]\.rows: must be 1 or greater, not 0", id="no rows"
        ),
        pytest.param((*CHAIN, a_layer("c", "b", parameters=inf)), r"layers\[3\]\.parameters: .* inf", id="infinite"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_by_field(layers: tuple[Layer, ...], message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        ModelGraph("m", layers)


def test_layers_out_of_order_can_be_put_in_order() -> None:
    assert ordered(reversed(CHAIN)) == CHAIN


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        pytest.param((CHAIN[0], a_layer("a", "b"), a_layer("b", "a")), "layers: form a cycle: a, b", id="a cycle"),
        pytest.param((*CHAIN, a_layer("c", "z")), r"layers\[3\]\.inputs: there is no layer z", id="unknown input"),
    ],
)
def test_layers_that_have_no_order_are_refused(layers: tuple[Layer, ...], message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        ordered(layers)


@pytest.mark.parametrize(
    ("window", "rows", "needed"),
    [
        pytest.param(Window(3, 1, 1), (0, 2), (0, 3), id="upper edge"),
        pytest.param(Window(3, 1, 1), (4, 6), (3, 7), id="middle"),
        pytest.param(Window(3, 1, 1), (8, 10), (7, 10), id="lower edge"),
        pytest.param(Window(2, 2), (1, 3), (2, 6), id="pooling"),
        pytest.param(Window(7, 2, 3), (0, 1), (0, 4), id="stem"),
        pytest.param(Window(3), (2, 2), (0, 0), id="nothing"),
    ],
)
def test_output_rows_need_the_input_rows_under_their_windows(
    window: Window, rows: tuple[int, int], needed: tuple[int, int]
) -> None:
    assert window.needed(*rows, 10) == needed
