"""What is learnt of nodes: it survives a restart, is written where it matters, and calls a node far from its claim."""

from __future__ import annotations

from math import nan

import pytest

from aif.api.measured import DeviceCalibration, Efficiency
from aif.contract.learning import Learnt, Observation, far, matters

KEY = ("gnb-7", "cpu")
NOON = "2030-01-01T12:00:00Z"


def learnt(times: int, seconds: float = 0.02, joules: float = nan) -> Learnt:
    """Return what is known after so many requests of which 10 ms and 1 J were expected."""
    known = Learnt()
    known.watch({KEY: None})
    known.observe([Observation(KEY, 0.01, seconds, 1.0, joules)] * times)
    return known


def told(known: Learnt) -> DeviceCalibration:
    """Return what a status tells."""
    found = known.told(KEY, NOON)
    assert found is not None
    return found


def an_entry(percent: int = 100, confidence: int = 60, observations: int = 40) -> DeviceCalibration:
    """Return what was written of the CPU."""
    compute = Efficiency(
        measured_percent=percent,
        efficiency_percent=percent,
        confidence_percent=confidence,
        spread_percent=0,
        observations=observations,
    )
    return DeviceCalibration(device="cpu", compute=compute, updated_at=NOON)


def test_a_node_that_takes_twice_as_long_attains_half() -> None:
    compute = told(learnt(100)).compute
    assert compute is not None
    assert (compute.measured_percent, compute.observations, compute.spread_percent) == (50, 100, 0)
    assert 50 < compute.efficiency_percent < 60


def test_energy_is_learnt_beside_time() -> None:
    entry = told(learnt(100, joules=4.0))
    assert entry.power is not None
    assert entry.power.measured_percent == 25


def test_several_copies_of_one_device_count_one_by_one() -> None:
    known = learnt(3)
    assert told(known).compute == told(learnt(3)).compute
    assert told(known).compute.observations == 3  # type: ignore[union-attr]


def test_what_is_not_known_teaches_nothing() -> None:
    known = Learnt()
    known.watch({KEY: None})
    assert known.observe([Observation(KEY, nan, 0.02, nan, nan)]) == frozenset()
    assert known.told(KEY, NOON) is None
    assert known.observe([Observation(("elsewhere", "cpu"), 0.01, 0.02, nan, nan)]) == frozenset()


def test_a_restart_goes_on_with_what_was_written() -> None:
    before = told(learnt(100, joules=4.0))
    successor = Learnt()
    successor.watch({KEY: before})
    assert told(successor) == before


def test_a_device_that_comes_leaves_what_was_learnt_of_others() -> None:
    known = learnt(50)
    before = told(known)
    known.watch({KEY: None, ("gnb-8", "cpu"): None})
    assert told(known) == before
    known.watch({("gnb-8", "cpu"): None})
    assert known.told(KEY, NOON) is None


@pytest.mark.parametrize(
    ("before", "after", "worth"),
    [
        pytest.param([], [an_entry()], True, id="a new device"),
        pytest.param([an_entry()], [an_entry()], False, id="nothing new"),
        pytest.param([an_entry(100)], [an_entry(104)], False, id="4 per cent"),
        pytest.param([an_entry(100)], [an_entry(106)], True, id="6 per cent"),
        pytest.param([an_entry(confidence=49)], [an_entry(confidence=50)], True, id="surer by a class"),
        pytest.param([an_entry(confidence=51)], [an_entry(confidence=79)], False, id="surer within its class"),
        pytest.param([an_entry(observations=29)], [an_entry(observations=30)], True, id="enough to judge its claim"),
    ],
)
def test_what_matters_is_written(
    before: list[DeviceCalibration], after: list[DeviceCalibration], *, worth: bool
) -> None:
    assert matters(before, after) is worth


@pytest.mark.parametrize(
    ("percent", "observations", "was_far", "is_far"),
    [
        pytest.param(60, 40, False, True, id="far below"),
        pytest.param(60, 29, False, False, id="not seen often enough"),
        pytest.param(70, 40, False, False, id="not far"),
        pytest.param(70, 40, True, True, id="not yet back"),
        pytest.param(76, 40, True, False, id="back"),
    ],
)
def test_a_node_is_far_from_its_claim_below_one_level_and_until_above_another(
    percent: int, observations: int, *, was_far: bool, is_far: bool
) -> None:
    assert bool(far([an_entry(percent, observations=observations)], was_far=was_far)) is is_far
