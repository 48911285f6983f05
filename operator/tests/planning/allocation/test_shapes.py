"""The shapes of the published curves ([MCFN]), with p, q, r and d as `shapes` states them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.planning.allocation.shapes import DEGRADATION, HERTZ, over_compute, over_degradation

CYCLES = np.arange(20, 501, 20) * 1e9


@pytest.mark.parametrize("hertz", HERTZ)
def test_the_utility_peaks_near_200_gigacycles_per_second(hertz: float) -> None:
    curve = over_compute(CYCLES, hertz, DEGRADATION)
    top = int(curve.argmax())

    assert CYCLES[top] == pytest.approx(200e9, abs=20e9)
    assert (np.diff(curve[: top + 1]) > 0.0).all()
    assert (np.diff(curve[top:]) < 0.0).all()


@pytest.mark.parametrize("hertz", HERTZ)
def test_the_utility_falls_and_flattens_as_tasks_slow_each_other_more(hertz: float) -> None:
    fall = np.diff(over_degradation(np.arange(0.05, 1.01, 0.05), 200e9, hertz))

    assert (fall < 0.0).all()
    assert -fall[-5:].mean() < 0.2 * -fall[:5].mean()


def test_bandwidth_hardly_changes_the_trend() -> None:
    low, high = (over_compute(CYCLES[:13], hertz, DEGRADATION) for hertz in HERTZ)

    assert np.corrcoef(low, high)[0, 1] > 0.99
    assert np.abs(high - low).max() < 0.15 * high.max()
