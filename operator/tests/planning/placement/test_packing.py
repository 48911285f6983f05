"""Packing: fragmentation as counted one request at a time, and which placement adds the least."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.placement.packing import Mix, Requests, Room, preference


def requests(*rows: tuple[float, float, int, float], models: list[list[bool]] | None = None) -> Requests:
    """Return requests of cores, share, count and weight each."""
    cores, share, count, weight = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    able = None if models is None else np.array(models)
    return Requests(cores, share, count.astype(np.int64), weight, able)


def room(cores: float, *devices: float, model: int = 0) -> Room:
    """Return one state."""
    return Room(np.array([cores]), np.array([devices], dtype=np.float64), np.array([model]))


def counted(asked: Requests, state: Room) -> float:
    """Return the free devices that a request can use, going through requests and devices one by one."""
    total = 0.0
    for row in range(len(asked.cores)):
        fitting = [free for free in state.devices[0] if free >= asked.share[row]]
        able = asked.models is None or asked.models[row][state.model[0]]
        if asked.share[row] and able and asked.cores[row] <= state.cores[0] and len(fitting) >= asked.count[row]:
            total += asked.weight[row] * sum(fitting)
    return float(total / asked.weight.sum())


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_the_usable_devices_are_those_counted_one_by_one(data: st.DataObject) -> None:
    shares, cores = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.sampled_from([0.0, 1.0, 4.0, 8.0])
    row = st.tuples(cores, shares, st.integers(0, 4), st.sampled_from([0.5, 1.0, 3.0]))
    rows = data.draw(st.lists(row, min_size=1, max_size=8))
    able = data.draw(st.lists(st.lists(st.booleans(), min_size=2, max_size=2), min_size=len(rows), max_size=len(rows)))
    asked = requests(*((c, s, k if s else 0, w) for c, s, k, w in rows), models=able)
    asked = replace(asked, share=np.where(asked.count > 0, asked.share, 0.0))
    state = room(
        data.draw(cores), *data.draw(st.lists(shares, min_size=1, max_size=4)), model=data.draw(st.integers(0, 1))
    )

    mix = Mix.of(asked)
    assert mix.usable(state)[0] == pytest.approx(counted(asked, state))
    assert 0.0 <= mix.fragmentation(state)[0] <= state.total[0] + 1e-12


def test_free_devices_without_cores_are_all_fragments() -> None:
    mix = Mix.of(requests((4.0, 1.0, 1, 1.0)))

    assert mix.fragmentation(room(3.0, 1.0, 1.0)) == pytest.approx([2.0])
    assert mix.fragmentation(room(4.0, 1.0, 1.0)) == pytest.approx([0.0])


def test_what_is_left_of_a_shared_device_is_a_fragment_to_those_who_need_a_whole_one() -> None:
    mix = Mix.of(requests((1.0, 1.0, 1, 3.0), (1.0, 0.5, 1, 1.0)))

    assert mix.fragmentation(room(8.0, 1.0, 0.5)) == pytest.approx([0.75 * 0.5])


def test_a_share_goes_to_the_device_that_is_shared_already() -> None:
    mix = Mix.of(requests((1.0, 1.0, 1, 1.0), (1.0, 0.5, 1, 1.0)))
    before = room(8.0, 1.0, 0.5)
    after = Room(np.array([7.0, 7.0]), np.array([[0.5, 0.5], [1.0, 0.0]]), np.zeros(2, dtype=np.int64))

    opened, filled = preference(mix, before, after, (8.0, 2.0))
    assert filled > opened


def test_a_service_without_devices_goes_where_no_device_waits_for_its_cores() -> None:
    mix = Mix.of(requests((4.0, 1.0, 1, 1.0)))
    at_devices = preference(mix, room(6.0, 1.0), room(2.0, 1.0), (8.0, 1.0))
    elsewhere = preference(mix, room(6.0, 0.0), room(2.0, 0.0), (8.0, 1.0))

    assert elsewhere > at_devices


def test_of_placements_that_fragment_alike_the_fuller_node_is_better() -> None:
    mix = Mix.of(requests((1.0, 1.0, 1, 1.0)))
    fuller = preference(mix, room(8.0, 1.0, 1.0), room(7.0, 1.0, 0.0), (16.0, 4.0))
    emptier = preference(mix, room(16.0, 1.0, 1.0, 1.0, 1.0), room(15.0, 1.0, 1.0, 1.0, 0.0), (16.0, 4.0))

    assert fuller > emptier


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        pytest.param(requests((-1.0, 1.0, 1, 1.0)), "requests[0].cores", id="negative cores"),
        pytest.param(requests((1.0, 1.5, 1, 1.0)), "requests[0].share", id="more than a device"),
        pytest.param(requests((1.0, np.nan, 1, 1.0)), "requests[0].share", id="not a number"),
        pytest.param(requests((1.0, 1.0, 1, 0.0)), "requests", id="nobody asks"),
    ],
)
def test_requests_that_make_no_sense_are_refused_by_name(asked: Requests, field: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        Mix.of(asked)
    assert refused.value.field == field
