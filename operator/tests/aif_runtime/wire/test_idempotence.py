"""Messages may come twice: each is acted on once."""

from __future__ import annotations

import numpy as np
import pytest

from aif_runtime.wire.envelope import Frame
from aif_runtime.wire.idempotence import Inbox, Verdict


def a_request(seq: int, epoch: int = 1) -> Frame:
    """Return a request with a number."""
    return Frame("train", "r", epoch, seq)


def test_a_request_is_acted_on_once() -> None:
    inbox = Inbox(epoch=1)
    assert inbox.judge(a_request(5)) is Verdict.NEW
    assert inbox.judge(a_request(5)) is Verdict.RUNNING


def test_an_answer_is_kept_to_be_repeated() -> None:
    inbox, request = Inbox(epoch=1), a_request(5)
    inbox.judge(request)
    inbox.answered(request, request.answer("trained"))
    assert inbox.judge(request) is Verdict.ANSWERED
    kept = inbox.answer(request)
    assert kept is not None
    assert (kept.kind, kept.reply_to) == ("trained", 5)


def test_a_lower_epoch_is_dropped() -> None:
    assert Inbox(epoch=2).judge(a_request(1, epoch=1)) is Verdict.OLD


def test_a_higher_epoch_begins_anew() -> None:
    inbox, request = Inbox(epoch=1), a_request(5)
    inbox.judge(request)
    assert inbox.judge(a_request(5, epoch=2)) is Verdict.NEW
    inbox.answered(request, request.answer("trained"))
    assert inbox.answer(request) is None
    assert inbox.judge(request) is Verdict.OLD


def test_requests_may_overtake_each_other() -> None:
    inbox = Inbox(epoch=1)
    assert [inbox.judge(a_request(seq)) for seq in (3, 1, 2)] == [Verdict.NEW] * 3


def test_what_is_no_longer_kept_is_dropped_and_not_done_again() -> None:
    inbox = Inbox(epoch=1, keep=2)
    for seq in (1, 2, 3):
        inbox.judge(a_request(seq))
    assert inbox.judge(a_request(1)) is Verdict.OLD
    assert inbox.judge(a_request(3)) is Verdict.RUNNING


def test_of_answers_with_a_model_the_last_alone_is_kept() -> None:
    inbox = Inbox(epoch=1)
    for seq in (1, 2):
        inbox.judge(a_request(seq))
        inbox.answered(a_request(seq), a_request(seq).answer("trained", arrays={"w": np.zeros(2)}))
    assert inbox.judge(a_request(1)) is Verdict.OLD
    assert inbox.judge(a_request(2)) is Verdict.ANSWERED


@pytest.mark.parametrize("seq", [0, 10**9])
def test_any_number_may_come_first(seq: int) -> None:
    assert Inbox(epoch=1).judge(a_request(seq)) is Verdict.NEW
