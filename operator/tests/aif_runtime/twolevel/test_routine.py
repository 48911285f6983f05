"""The states of a routine: each move is a legal one, and each has its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif_runtime.twolevel.routine import FINAL, MOVES, Phase, Routine, Seen, advance

WELL = Seen(now=1.0, k=3, deadline=100.0, candidates={"a": 3, "b": 4}, invited=True, live={"a": 3, "b": 4})


def a_routine(phase: Phase) -> Routine:
    """Return a routine in its second epoch."""
    return Routine(phase, epoch=2)


@pytest.mark.parametrize(
    ("phase", "seen", "wanted", "reason"),
    [
        pytest.param(Phase.PENDING, WELL, Phase.INVITING, "", id="it begins with invitations"),
        pytest.param(Phase.RESTARTING, WELL, Phase.INVITING, "", id="it begins anew with invitations"),
        pytest.param(Phase.INVITING, WELL, Phase.RUNNING, "", id="all are invited and live"),
        pytest.param(
            Phase.INVITING,
            replace(WELL, absent=("server-a",)),
            Phase.INVITING,
            "ClientLost",
            id="a server is not there",
        ),
        pytest.param(
            Phase.INVITING,
            replace(WELL, candidates={"a": 2}),
            Phase.INVITING,
            "WaitingForConsent",
            id="too few consent",
        ),
        pytest.param(
            Phase.INVITING, replace(WELL, invited=False), Phase.INVITING, "", id="invitations are on their way"
        ),
        pytest.param(
            Phase.INVITING,
            replace(WELL, live={"a": 2}),
            Phase.INVITING,
            "KAnonymityNotReached",
            id="too few are live yet",
        ),
        pytest.param(
            Phase.INVITING, replace(WELL, broken="x"), Phase.RESTARTING, "ClientLost", id="broken while inviting"
        ),
        pytest.param(
            Phase.RUNNING, replace(WELL, live={"a": 2}), Phase.PAUSED, "KAnonymityNotReached", id="too few are left"
        ),
        pytest.param(
            Phase.RUNNING, replace(WELL, broken="x"), Phase.RESTARTING, "ClientLost", id="broken while running"
        ),
        pytest.param(Phase.RUNNING, replace(WELL, completed=True), Phase.AGGREGATING, "", id="the round is done"),
        pytest.param(Phase.RUNNING, replace(WELL, joiners=True), Phase.RUNNING, "", id="who joins waits for the round"),
        pytest.param(Phase.RUNNING, WELL, Phase.RUNNING, "", id="all goes well"),
        pytest.param(Phase.AGGREGATING, WELL, Phase.RUNNING, "", id="the next round has begun"),
        pytest.param(
            Phase.AGGREGATING,
            replace(WELL, joiners=True, completed=True),
            Phase.RESTARTING,
            "",
            id="joined between rounds",
        ),
        pytest.param(
            Phase.AGGREGATING,
            replace(WELL, live={"a": 0}),
            Phase.PAUSED,
            "KAnonymityNotReached",
            id="left between rounds",
        ),
        pytest.param(Phase.PAUSED, replace(WELL, candidates={"a": 2}), Phase.PAUSED, "", id="still too few"),
        pytest.param(Phase.PAUSED, WELL, Phase.RESTARTING, "", id="enough again"),
        pytest.param(Phase.PAUSED, replace(WELL, finished=True), Phase.COMPLETED, "", id="stopped while paused"),
        pytest.param(Phase.RUNNING, replace(WELL, finished=True, broken="x"), Phase.COMPLETED, "", id="stopped"),
        pytest.param(Phase.RUNNING, replace(WELL, now=101.0), Phase.FAILED, "DeadlineExceeded", id="the deadline"),
        pytest.param(Phase.COMPLETED, replace(WELL, now=101.0), Phase.COMPLETED, "", id="over"),
    ],
)
def test_what_is_seen_leads_on(phase: Phase, seen: Seen, wanted: Phase, reason: str) -> None:
    found = advance(a_routine(phase), seen)
    assert (found.phase, found.reason) == (wanted, reason)


def test_a_routine_that_paused_for_want_of_terminals_fails_for_that_reason() -> None:
    paused = advance(a_routine(Phase.RUNNING), replace(WELL, live={"a": 2}))
    failed = advance(paused, replace(WELL, now=101.0, candidates={"a": 2}))
    assert (failed.phase, failed.reason) == (Phase.FAILED, "KAnonymityNotReached")
    assert "2 terminals of a are live, 3 are needed" in failed.message


def test_each_invitation_of_all_is_a_new_epoch() -> None:
    assert advance(a_routine(Phase.RESTARTING), WELL).epoch == 3
    assert advance(a_routine(Phase.INVITING), WELL).epoch == 2


def test_an_illegal_move_is_none() -> None:
    with pytest.raises(ValueError, match="does not go from Paused to Running"):
        a_routine(Phase.PAUSED).moved(Phase.RUNNING, 0.0)


counts = st.dictionaries(st.sampled_from("ab"), st.integers(0, 5), max_size=2)
seen_things = st.builds(
    Seen,
    now=st.floats(0, 120),
    k=st.just(3),
    deadline=st.just(100.0),
    finished=st.booleans(),
    absent=st.sampled_from([(), ("server-a",)]),
    candidates=counts,
    invited=st.booleans(),
    live=counts,
    broken=st.sampled_from(["", "server-a has started anew"]),
    completed=st.booleans(),
    joiners=st.booleans(),
)


@given(st.lists(seen_things, max_size=30))
def test_every_way_is_made_of_legal_moves(sights: list[Seen]) -> None:
    routine = Routine()
    for seen in sights:
        found = advance(routine, seen)
        assert found.phase is routine.phase or found.phase in MOVES[routine.phase]
        assert found.epoch - routine.epoch == (found.phase is Phase.INVITING and routine.phase is not Phase.INVITING)
        if found.phase is Phase.RUNNING:
            assert all(count >= seen.k for count in seen.live.values())
        routine = found


@pytest.mark.parametrize("phase", set(Phase) - FINAL)
def test_every_state_can_come_to_an_end(phase: Phase) -> None:
    assert advance(a_routine(phase), replace(WELL, finished=True)).phase is Phase.COMPLETED
    assert advance(a_routine(phase), replace(WELL, now=101.0)).phase is Phase.FAILED
