"""When a cache has caught up with a write."""

from __future__ import annotations

import pytest

from aif.domain.cluster import ObjectReference
from aif.gateways.expectations import Expectations, Seen, Standing, Written

DEPLOYMENT = ObjectReference("apps/v1", "Deployment", "shop", "plates", "uid-1")


class Clock:
    """Time that a test moves by hand."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.mark.parametrize(
    ("version", "seen", "standing"),
    [
        pytest.param("7", None, Standing.WAITING, id="written, and not yet seen"),
        pytest.param("7", Seen("uid-1", "6"), Standing.WAITING, id="seen as it was before"),
        pytest.param("10", Seen("uid-1", "9"), Standing.WAITING, id="versions are numbers, not text"),
        pytest.param("7", Seen("uid-1", "7"), Standing.SETTLED, id="seen as written"),
        pytest.param("7", Seen("uid-1", "8"), Standing.SETTLED, id="seen as somebody wrote it later"),
        pytest.param("7", Seen("uid-2", "3"), Standing.SETTLED, id="another object of that name"),
        pytest.param("a", Seen("uid-1", "b"), Standing.WAITING, id="versions that are no numbers must be equal"),
        pytest.param("", Seen("uid-1", "7"), Standing.WAITING, id="deleted, and still seen"),
        pytest.param("", Seen("uid-1", "8", terminating=True), Standing.SETTLED, id="deleted, and seen to go"),
        pytest.param("", Seen("uid-2", "9"), Standing.SETTLED, id="deleted, and a new one of that name"),
        pytest.param("", None, Standing.SETTLED, id="deleted, and gone"),
    ],
)
def test_a_write_is_expected_until_the_cache_shows_it(version: str, seen: Seen | None, standing: Standing) -> None:
    expectations: Expectations[str] = Expectations(Clock())
    expectations.expect("shop/plates", Written(DEPLOYMENT, version))
    assert expectations.standing("shop/plates", lambda _: seen) is standing


def test_a_key_without_writes_is_settled() -> None:
    assert Expectations[str](Clock()).standing("shop/plates", lambda _: None) is Standing.SETTLED


def test_what_a_cache_does_not_show_for_a_minute_is_read_live() -> None:
    clock = Clock()
    expectations: Expectations[str] = Expectations(clock)
    expectations.expect("shop/plates", Written(DEPLOYMENT, "7"))
    clock.now = 60.0
    assert expectations.standing("shop/plates", lambda _: None) is Standing.OVERDUE
    assert expectations.pending("shop/plates") == (DEPLOYMENT,)
    expectations.forget("shop/plates")
    assert expectations.standing("shop/plates", lambda _: None) is Standing.SETTLED


def test_a_later_write_of_the_same_object_is_the_one_that_counts() -> None:
    clock = Clock()
    expectations: Expectations[str] = Expectations(clock)
    expectations.expect("shop/plates", Written(DEPLOYMENT, "7"))
    clock.now = 59.0
    expectations.expect("shop/plates", Written(DEPLOYMENT, "9"))
    clock.now = 61.0
    assert expectations.standing("shop/plates", lambda _: Seen("uid-1", "8")) is Standing.WAITING


def test_settled_keys_take_no_memory() -> None:
    expectations: Expectations[str] = Expectations(Clock())
    expectations.expect("shop/plates", Written(DEPLOYMENT, "7"))
    expectations.standing("shop/plates", lambda _: Seen("uid-1", "7"))
    assert len(expectations) == 0
