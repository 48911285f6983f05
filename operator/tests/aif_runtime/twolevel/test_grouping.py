"""Who learns with whom, and where the model is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif_runtime.learning.data import Split, digits
from aif_runtime.learning.learner import LayerFigures, shows_data
from aif_runtime.learning.models import built
from aif_runtime.twolevel.grouping import Group, Terminal, assigned, chosen_cut

LAYERS = built("mlp-3", (), digits(Split()).task, 1).layers
FLAT = (LayerFigures("x", "Input", (), 0, 64, 0), LayerFigures("flatten", "Flatten", ("x",), 0, 64, 0), *LAYERS[1:])
"""A model whose first layer only changes the shape of the data."""


def terminals(count: int, **fields: object) -> list[Terminal]:
    """Return terminals of which each computes faster than the one before."""
    return [Terminal(f"t{index}", compute=1e9 * (index + 1), **fields) for index in range(count)]  # type: ignore[arg-type]


def names(assignment: object) -> list[str]:
    """Return the names of an assignment's terminals."""
    return [terminal.name for terminal in assignment.terminals]  # type: ignore[attr-defined]


def test_each_group_gets_as_many_as_it_wants() -> None:
    found = assigned(terminals(7), [Group("a", "fc1", 4), Group("b", "fc2", 3)], 3, LAYERS)
    assert [len(one.terminals) for one in found] == [4, 3]


def test_groups_without_a_number_share_what_there_is() -> None:
    found = assigned(terminals(7), [Group("a", "fc1"), Group("b", "fc2")], 3, LAYERS)
    assert sorted(len(one.terminals) for one in found) == [3, 4]


def test_the_faster_terminals_get_the_deeper_part() -> None:
    shallow, deep = assigned(terminals(4), [Group("shallow", "fc1", 2), Group("deep", "fc2", 2)], 2, LAYERS)
    assert names(deep) == ["t2", "t3"]
    assert names(shallow) == ["t0", "t1"]


def test_every_group_has_k_before_one_has_more() -> None:
    found = assigned(terminals(6), [Group("a", "fc2", 5), Group("b", "fc1", 3)], 3, LAYERS)
    assert [len(one.terminals) for one in found] == [3, 3]


def test_what_is_missing_to_k_is_told() -> None:
    (found,) = assigned(terminals(1), [Group("a", "fc1", 3)], 3, LAYERS)
    assert found.missing == 2


@pytest.mark.parametrize("cut", ["Input", "flatten"])
def test_who_refuses_raw_data_is_in_no_group_whose_cut_shows_them(cut: str) -> None:
    refusing, allowing = terminals(3), [Terminal("open", raw_input_allowed=True)]
    raw, rest = assigned([*refusing, *allowing], [Group("raw", cut, 1), Group("rest", "fc1", 3)], 1, FLAT)
    assert names(raw) == ["open"]
    assert names(rest) == ["t0", "t1", "t2"]


@given(
    st.lists(st.tuples(st.floats(1e6, 1e13), st.booleans()), max_size=12),
    st.lists(
        st.tuples(st.sampled_from(["Input", "fc1", "relu2", "Output", "Auto"]), st.integers(0, 5)),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 3),
)
def test_nobody_is_in_two_groups_nor_shows_raw_data_against_their_will(
    offers: list[tuple[float, bool]], wishes: list[tuple[str, int]], k: int
) -> None:
    there = [Terminal(f"t{index}", compute, raw_input_allowed=raw) for index, (compute, raw) in enumerate(offers)]
    groups = [Group(f"g{index}", cut, clients) for index, (cut, clients) in enumerate(wishes)]
    found = assigned(there, groups, k, LAYERS)
    members = [name for one in found for name in names(one)]
    assert len(members) == len(set(members))
    assert [one.group.name for one in found] == [group.name for group in groups]
    for one, wished in zip(found, groups, strict=True):
        assert one.missing == max(0, k - len(one.terminals))
        assert wished.cut in {"Auto", one.group.cut}
        if one.group.cut == "Input":
            assert all(terminal.raw_input_allowed for terminal in one.terminals)
            assert wished.cut == "Input"


@pytest.mark.parametrize("link", [1e3, 1e6, 1e9, 1e12])
@pytest.mark.parametrize("compute", [1e3, 1e9, 1e15])
def test_a_chosen_cut_shows_neither_the_data_nor_the_model(link: float, compute: float) -> None:
    assert chosen_cut(LAYERS, [Terminal("t", compute, link=link, raw_input_allowed=True)]) in {
        "fc1",
        "relu1",
        "fc2",
        "relu2",
    }


@pytest.mark.parametrize(
    ("cut", "shown"), [("Input", True), ("flatten", True), ("fc1", False), ("relu1", False), ("Output", False)]
)
def test_a_cut_shows_the_data_where_nothing_below_it_learns(cut: str, *, shown: bool) -> None:
    assert shows_data(FLAT, cut) is shown


def test_no_chosen_cut_lies_below_the_first_layer_that_learns() -> None:
    fast = [Terminal("t", compute=1e15, link=1e12)]
    assert chosen_cut(FLAT, fast, ("flatten", "fc2")) == "fc2"


def test_on_a_thin_link_the_cut_lies_where_little_crosses() -> None:
    assert chosen_cut(LAYERS, [Terminal("t", 1e12, link=1e3)]) == "fc2"


def test_a_slow_terminal_keeps_little_of_the_model() -> None:
    assert chosen_cut(LAYERS, [Terminal("fast", 1e12, link=1e9), Terminal("slow", 1e4, link=1e9)]) == "fc1"


def test_a_model_without_an_inside_stays_whole_on_the_terminal() -> None:
    layers = built("mlp-1", (), digits(Split()).task, 1).layers
    assert chosen_cut(layers, terminals(1)) == "Output"
