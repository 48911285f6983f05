"""Waiting times, against closed forms and against the sum that defines Erlang C."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.planning.queueing import erlang_c, wait_quantile

EXPONENTIAL = 1.0

servers = st.integers(1, 64)
below_one = st.floats(0.0, 0.999)


def waiting_by_definition(count: int, utilisation: float) -> float:
    """Return Erlang C as its defining sum, term by term."""
    load = count * utilisation
    terms = [load**k / math.factorial(k) for k in range(count)]
    last = load**count / math.factorial(count) / (1 - utilisation)
    return last / (sum(terms) + last)


def wait(share: float, rate: float, count: int, seconds: float, variation: float = 0.0) -> float:
    """Return the wait of one node as a number."""
    return float(wait_quantile(share, rate, count, np.array([seconds]), variation)[0])


@given(count=servers, utilisation=below_one)
def test_erlang_c_equals_its_defining_sum(count: int, utilisation: float) -> None:
    assert erlang_c(count, np.array([utilisation]))[0] == pytest.approx(
        waiting_by_definition(count, utilisation), rel=1e-9, abs=1e-15
    )


def test_with_one_server_a_request_waits_as_often_as_the_server_is_busy() -> None:
    assert erlang_c(1, np.array([0.0, 0.3, 0.9, 1.0, 1.7])) == pytest.approx([0.0, 0.3, 0.9, 1.0, 1.0])


def test_a_server_of_unknown_speed_has_an_unknown_wait() -> None:
    assert math.isnan(wait(0.99, 30.0, 1, math.nan))


def test_the_wait_is_exact_for_one_exponential_server() -> None:
    # M/M/1: P(W > t) = u·exp(-t(1-u)/S), so the 99th percentile is S/(1-u)·ln(100 u).
    assert wait(0.99, 50.0, 1, 0.01, EXPONENTIAL) == pytest.approx(0.01 / 0.5 * math.log(50.0))


def test_the_wait_is_exact_for_many_exponential_servers() -> None:
    # M/M/2 with u = 0.5: C = 1/3, so P(W > t) = exp(-t·2·0.5/S)/3.
    assert wait(0.9, 100.0, 2, 0.01, EXPONENTIAL) == pytest.approx(0.01 * math.log(10 / 3))


def test_fixed_work_waits_half_as_long_as_exponential_work() -> None:
    assert wait(0.99, 50.0, 1, 0.01) == pytest.approx(0.5 * wait(0.99, 50.0, 1, 0.01, EXPONENTIAL))


def test_nobody_waits_where_fewer_than_one_in_a_hundred_would() -> None:
    assert wait(0.99, 0.5, 1, 0.01) == 0.0


@pytest.mark.parametrize("rate", [pytest.param(100.0, id="exactly full"), pytest.param(1e6, id="far beyond")])
def test_servers_that_cannot_keep_up_wait_without_bound(rate: float) -> None:
    assert wait(0.99, rate, 1, 0.01) == math.inf


@given(count=servers, seconds=st.floats(1e-5, 1.0), low=st.floats(0.0, 0.9), high=st.floats(0.0, 1.2))
def test_the_wait_grows_with_the_load(count: int, seconds: float, low: float, high: float) -> None:
    lighter, heavier = sorted((low, high))
    rate = count / seconds
    assert wait(0.99, lighter * rate, count, seconds) <= wait(0.99, heavier * rate, count, seconds) * (1 + 1e-9)


@given(count=servers, utilisation=st.floats(0.01, 0.95))
def test_a_further_server_never_lengthens_the_wait(count: int, utilisation: float) -> None:
    rate = utilisation * count / 0.01
    assert wait(0.99, rate, count + 1, 0.01) <= wait(0.99, rate, count, 0.01) * (1 + 1e-9)
