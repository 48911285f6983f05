"""What a cache keeps, and what it tells of."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.gateways.cache import Cache, Key

Change = tuple[Key, str | None, str | None]


def a_cache() -> tuple[Cache[str], list[Change]]:
    """Return a cache of words by first letter, and the changes that it tells."""
    cache: Cache[str] = Cache({"letter": lambda word: word[:1]})
    changes: list[Change] = []
    cache.listen(lambda key, before, after: changes.append((key, before, after)))
    return cache, changes


def test_an_equal_value_is_no_change() -> None:
    cache, changes = a_cache()
    cache.put(("shop", "a"), "apple")
    cache.put(("shop", "a"), "apple")
    assert changes == [(("shop", "a"), None, "apple")]


def test_a_new_list_tells_of_what_is_new_other_and_gone() -> None:
    cache, changes = a_cache()
    cache.replace({("shop", "a"): "apple", ("shop", "b"): "berry", ("shop", "c"): "cherry"})
    changes.clear()
    cache.replace({("shop", "a"): "apple", ("shop", "b"): "bean", ("shop", "d"): "date"})
    assert changes == [
        (("shop", "c"), "cherry", None),
        (("shop", "b"), "berry", "bean"),
        (("shop", "d"), None, "date"),
    ]


def test_a_list_of_one_namespace_leaves_others_alone() -> None:
    cache, _ = a_cache()
    cache.put(("other", "a"), "apple")
    cache.replace({("shop", "b"): "berry"}, "shop")
    cache.replace({}, "shop")
    assert cache.keys() == (("other", "a"),)


def test_a_listener_that_fails_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a fault of the test")

    cache: Cache[str] = Cache()
    told: list[Key] = []
    cache.listen(fail)
    cache.listen(lambda key, *_: told.append(key))
    with caplog.at_level(logging.ERROR):
        cache.put(("shop", "a"), "apple")
    assert told == [("shop", "a")]
    assert "Failed to tell of a change" in caplog.text


def test_only_keys_that_nobody_touched_since_are_evicted() -> None:
    cache, changes = a_cache()
    cache.put(("shop", "a"), "apple")
    cache.put(("shop", "b"), "berry")
    since = cache.moment()
    cache.put(("shop", "b"), "berry")
    assert cache.evict_untouched([("shop", "a"), ("shop", "b"), ("shop", "never")], since) == [("shop", "a")]
    assert changes[-1] == (("shop", "a"), "apple", None)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([("n", "1"), ("n", "2"), ("m", "1")]), st.none() | st.sampled_from(["ant", "ape", "bee"])
        )
    )
)
def test_indexes_hold_exactly_the_values_of_their_groups(steps: list[tuple[Key, str | None]]) -> None:
    cache, changes = a_cache()
    shown: dict[Key, str] = {}
    for key, value in steps:
        cache.put(key, value)
    for key, _, after in changes:
        shown.pop(key, None)
        if after is not None:
            shown[key] = after
    assert {key: cache.get(key) for key in cache.keys()} == shown  # noqa: SIM118 - a cache iterates over values
    for letter in "ab":
        assert sorted(cache.select("letter", letter)) == sorted(w for w in shown.values() if w.startswith(letter))
