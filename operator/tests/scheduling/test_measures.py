"""How amounts read."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aif.scheduling import measures
from aif.scheduling.measures import Fact, Measure, duration, percent, si, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(duration(0.018), "18.0 ms", id="milliseconds"),
        pytest.param(duration(1.5), "1.50 s", id="seconds"),
        pytest.param(duration(2e-6), "2.00 us", id="microseconds"),
        pytest.param(size(40 * 2**30), "40.0 GiB", id="memory"),
        pytest.param(size(5.0), "5.00 byte", id="a few bytes"),
        pytest.param(si("FLOP/s")(930e9), "930 GFLOP/s", id="compute"),
        pytest.param(si("J")(2.2), "2.20 J", id="energy"),
        pytest.param(si("J")(0.0), "0 J", id="nothing"),
        pytest.param(percent(0.7159), "71.59 %", id="accuracy"),
        pytest.param(percent(0.9999), "99.99 %", id="reliability"),
    ],
)
def test_people_read_three_digits_and_a_unit(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize(
    ("measure", "value", "expected"),
    [
        pytest.param(measures.LATENCY, 0.02, "20000 us", id="exact"),
        pytest.param(measures.LATENCY, 0.0200000001, "20001 us", id="an excess is rounded up"),
        pytest.param(measures.CORES, 1.9999, "1999 millicores", id="a lack is rounded down"),
        pytest.param(measures.LATENCY, math.nan, "unknown", id="unknown"),
        pytest.param(measures.LATENCY, math.inf, "unbounded", id="overload"),
        pytest.param(measures.SECURITY, 2.0, "High", id="a level"),
        pytest.param(Fact("Ready", "NotReady", "not ready"), 0.0, "NotReady", id="a fact that does not hold"),
        pytest.param(Fact("Ready", "NotReady", "not ready"), 1.0, "Ready", id="a fact that holds"),
    ],
)
def test_the_status_tells_whole_units(measure: Measure, value: float, expected: str) -> None:
    assert measure.text(value) == expected


@pytest.mark.parametrize(
    ("measure", "required", "available", "expected"),
    [
        pytest.param(
            measures.LATENCY,
            0.02,
            0.038,
            "latency short by 18.0 ms on n (needs 20.0 ms, offers 38.0 ms)",
            id="too slow",
        ),
        pytest.param(
            measures.MEMORY,
            2.0**31,
            2.0**30,
            "memory short by 1.00 GiB on n (needs 2.00 GiB, offers 1.00 GiB)",
            id="small",
        ),
        pytest.param(
            measures.CORES, 2.0, -1.0, "cpu short by 3 cores on n (needs 2 cores, offers 0 cores)", id="overfull"
        ),
        pytest.param(measures.LATENCY, 0.02, math.nan, "latency unknown on n: no link (needs 20.0 ms)", id="unknown"),
        pytest.param(
            measures.LATENCY,
            0.02,
            math.inf,
            "latency unbounded on n under the declared load (needs 20.0 ms)",
            id="overload",
        ),
        pytest.param(measures.SECURITY, 2.0, 0.0, "security level too low on n (needs High, offers Low)", id="level"),
        pytest.param(Fact("Ready", "NotReady", "not ready"), 1.0, 0.0, "not ready: n", id="fact"),
    ],
)
def test_a_gap_names_node_need_and_offer(measure: Measure, required: float, available: float, expected: str) -> None:
    assert measure.gap(required, available, "n", "no link") == expected


def test_a_miss_is_a_share_of_what_is_required_and_the_unknown_misses_most() -> None:
    assert list(measures.LATENCY.miss(0.02, np.array([0.03, math.nan]))) == pytest.approx([0.5, math.inf])
    assert list(measures.MEMORY.miss(4.0, np.array([1.0]))) == [0.75]
    assert list(measures.SECURITY.miss(2.0, np.array([0.0, 1.0]))) == [2.0, 1.0]
