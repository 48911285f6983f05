"""What the copies of a service that moves are watched for."""

from __future__ import annotations

import pytest

from aif.contract.copies import FAILURES, Mover, promises_of_copy
from aif.gateways.prometheus.profiles import load
from tests.builders import an_aiservice


def watched(**qos: object) -> list[str]:
    service = an_aiservice(qos={"latency": {"maxP99Microseconds": 20_000}, **qos})
    mover = Mover(service, {"c0ffee": 0.01}, 10)
    return [each.limit.dimension for each in promises_of_copy(mover, "c0ffee", 0.01, load())]


@pytest.mark.parametrize(
    ("qos", "dimensions"),
    [
        pytest.param({}, ["latency", FAILURES], id="and that it answers"),
        pytest.param({"availability": {"minPpm": 999_000}}, ["latency", "availability"], id="which may be promised"),
        pytest.param({"accuracy": {"minBasisPoints": 7000}}, ["latency", FAILURES], id="what no copy can show"),
    ],
)
def test_a_copy_is_watched_for_what_its_profile_can_tell(qos: dict[str, object], dimensions: list[str]) -> None:
    assert watched(**qos) == dimensions
