"""Shares of a site: what is there is shared out, every target is kept, and nobody falls behind its load."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.allocation.site_shares import Residents, site_shares


def residents(**columns: list[float]) -> Residents:
    """Return services of 1 Mbit and 1 GFLOP, one request per second, no target, weight 1; columns by name."""
    count = max((len(column) for column in columns.values()), default=1)
    usual = {"bits": 1e6, "flops": 1e9, "rate": 1.0, "seconds": np.inf, "weight": 1.0}
    return Residents(**{name: np.array(columns.get(name, [value] * count)) for name, value in usual.items()})


def test_equals_get_equal_shares_of_all_there_is() -> None:
    shares = site_shares(residents(bits=[1e6, 1e6]), 100e6, 100e9)

    assert shares is not None
    assert shares.bits_per_second == pytest.approx([50e6, 50e6])
    assert shares.flops == pytest.approx([50e9, 50e9])
    assert shares.seconds == pytest.approx([0.04, 0.04])


def test_four_times_the_input_gets_twice_the_rate() -> None:
    # Σ w·D/b is least where b is in proportion to √(w·D).
    shares = site_shares(residents(bits=[1e6, 4e6]), 90e6, 90e9)

    assert shares is not None
    assert shares.bits_per_second == pytest.approx([30e6, 60e6])


def test_a_tight_target_takes_from_the_others() -> None:
    free, tight = (site_shares(residents(seconds=[target, np.inf]), 100e6, 100e9) for target in (np.inf, 0.03))

    assert free is not None
    assert tight is not None
    assert tight.seconds[0] == pytest.approx(0.03)
    assert tight.bits_per_second[0] > free.bits_per_second[0]


def test_a_site_that_is_too_small_gives_no_shares() -> None:
    assert site_shares(residents(seconds=[0.03, 0.03]), 50e6, 50e9) is None
    assert site_shares(residents(rate=[60.0, 60.0]), 100e6, 100e9) is None


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        pytest.param({"rate": [0.0]}, "rate", id="no load"),
        pytest.param({"bits": [np.nan]}, "tasks", id="not a number"),
    ],
)
def test_what_is_no_figure_is_named(columns: dict[str, list[float]], field: str) -> None:
    with pytest.raises(InvalidSpec, match=field):
        site_shares(residents(**columns), 1e6, 1e9)


rows = st.tuples(
    st.floats(1e4, 1e7), st.floats(1e7, 1e10), st.floats(0.1, 5.0), st.floats(0.05, 2.0), st.floats(0.1, 9)
)


@settings(max_examples=60, deadline=None)
@given(drawn=st.lists(rows, min_size=1, max_size=8))
def test_shares_add_up_and_keep_every_target_and_load(drawn: list[tuple[float, float, float, float, float]]) -> None:
    bits, flops, rate, seconds, weight = np.array(drawn).T
    shares = site_shares(Residents(bits, flops, rate, seconds, weight), 200e6, 400e9)
    assume(shares is not None)
    assert shares is not None

    assert shares.bits_per_second.sum() == pytest.approx(200e6, rel=1e-6)
    assert shares.flops.sum() == pytest.approx(400e9, rel=1e-6)
    assert (shares.seconds <= seconds * (1.0 + 1e-6)).all()
    assert (shares.bits_per_second >= rate * bits * (1.0 - 1e-6)).all()
    assert (shares.flops >= rate * flops * (1.0 - 1e-6)).all()
