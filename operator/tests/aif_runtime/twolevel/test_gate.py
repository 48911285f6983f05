"""The k-anonymity gate: nothing passes with fewer than k live clients, at the start and later."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif_runtime.learning.errors import PeerRefused
from aif_runtime.twolevel.gate import Gate, Grant, Passage

TICKETS = [f"{group}{place}" for group in "ab" for place in range(4)]


def a_gate(k: int = 3) -> Gate:
    """Return a gate for two groups of four."""
    return Gate(k, {ticket: Grant(ticket[0], f"p-{ticket}") for ticket in TICKETS})


def test_a_group_waits_until_k_are_live() -> None:
    gate = a_gate()
    passages = []
    for ticket in ("a0", "a1", "a2"):
        gate.arrive(ticket)
        passages.append(gate.passage("a"))
    assert passages == [Passage.WAITING, Passage.WAITING, Passage.OPEN]
    assert gate.passage("b") is Passage.WAITING


def test_a_group_is_shut_as_soon_as_fewer_than_k_are_left() -> None:
    gate = a_gate()
    for ticket in ("a0", "a1", "a2", "a3"):
        gate.arrive(ticket)
    gate.leave("a0")
    assert gate.passage("a") is Passage.OPEN
    gate.leave("a1")
    assert gate.passage("a") is Passage.SHUT


def test_a_shut_group_stays_shut() -> None:
    gate = a_gate()
    for ticket in ("a0", "a1", "a2"):
        gate.arrive(ticket)
    gate.leave("a0")
    with pytest.raises(PeerRefused, match="Shut"):
        gate.arrive("a3")
    assert gate.passage("a") is Passage.SHUT


@pytest.mark.parametrize("ticket", ["", "c0", "a9"])
def test_an_unknown_ticket_is_refused(ticket: str) -> None:
    with pytest.raises(PeerRefused, match="UnknownTicket"):
        a_gate().arrive(ticket)


def test_a_ticket_is_good_for_one_stream() -> None:
    gate = a_gate()
    gate.arrive("a0")
    gate.leave("a0")
    with pytest.raises(PeerRefused, match="UnknownTicket"):
        gate.arrive("a0")


def test_a_revoked_ticket_is_worth_nothing() -> None:
    gate = a_gate()
    gate.revoke("a0")
    with pytest.raises(PeerRefused, match="UnknownTicket"):
        gate.arrive("a0")


def test_a_ticket_that_is_revoked_counts_no_longer() -> None:
    gate = a_gate(k=2)
    for ticket in ("a0", "a1"):
        gate.arrive(ticket)
    gate.revoke("a0")
    assert gate.passage("a") is Passage.SHUT
    assert gate.live == {"a": 1, "b": 0}


@given(st.integers(1, 4), st.lists(st.tuples(st.sampled_from(["arrive", "leave", "revoke"]), st.sampled_from(TICKETS))))
def test_an_open_group_always_has_k_live_clients(k: int, steps: list[tuple[str, str]]) -> None:
    gate = a_gate(k)
    live: set[str] = set()
    for step, ticket in steps:
        try:
            getattr(gate, step)(ticket)
        except PeerRefused:
            continue
        live = live | {ticket} if step == "arrive" else live - {ticket}
        counts = {group: sum(one[0] == group for one in live) for group in "ab"}
        assert gate.live == counts
        for group in "ab":
            assert gate.passage(group) is not Passage.OPEN or counts[group] >= k
