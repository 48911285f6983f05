"""Both copies beside each other: what is known of them decides, and what is unknown is no verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aif.api.conditions import Reason
from aif.api.migration_status import MigrationFigure, Phase, VerifiedBy
from aif.contract.copies import FAILURES
from tests.builders import NOON
from tests.reconcile.moving.moves import (
    a_look,
    a_service,
    goes_on,
    moving,
    told,
    under_way,
    world,
)

ONLY_TARGET = ["gnb-8"]
BAD, GOOD = 0.030, 0.010


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        pytest.param(0.030, 0.040, Reason.CONTRACT_NOT_VERIFIED, id="worse than one that breaks it"),
        pytest.param(0.010, 0.030, Reason.CONTRACT_NOT_VERIFIED, id="worse than one that keeps it"),
        pytest.param(0.030, 0.029, Reason.GAIN_TOO_SMALL, id="hardly better than one that breaks it"),
        pytest.param(0.200, 0.025, None, id="much better than one that breaks it"),
    ],
)
@pytest.mark.parametrize("phase", [Phase.TARGET_READY, Phase.TRAFFIC_SWITCHED])
def test_a_copy_that_breaks_the_contract_stays_only_where_it_is_better(
    phase: Phase, source: float, target: float, reason: Reason | None
) -> None:
    figure = MigrationFigure(dimension="latency", promised=20_000, source=round(source * 1e6))
    service = moving(phase, figures=[figure])
    snapshot = world(service, looks=(source, target), serving=None if phase is Phase.TARGET_READY else ONLY_TARGET)
    outcome = goes_on(service, snapshot, NOON + timedelta(seconds=61))
    if reason is None:
        assert under_way(outcome).phase in (Phase.CONTRACT_VERIFIED, Phase.SOURCE_DRAINING)
    else:
        assert outcome.ended is not None
        assert outcome.ended.reason == reason
        assert told(outcome) == ["RolledBack"]


def test_a_copy_that_is_as_bad_as_the_old_one_does_not_stand_in_the_way_of_an_order() -> None:
    service = moving(Phase.TARGET_READY, Reason.SPEC_CHANGED)
    outcome = goes_on(service, world(service, looks=(0.030, 0.031)), NOON + timedelta(seconds=61))
    assert under_way(outcome).phase is Phase.CONTRACT_VERIFIED


def test_a_copy_that_breaks_the_contract_has_time_to_get_warm() -> None:
    service = moving(Phase.TARGET_READY)
    assert under_way(goes_on(service, world(service, looks=(BAD, 0.050)))).phase is Phase.TARGET_READY


def test_a_copy_that_fails_its_requests_goes_back_at_once() -> None:
    service = moving(Phase.TRAFFIC_SWITCHED)
    failing = a_look(service, 0.9, dimension=FAILURES)
    snapshot = world(service, looks=(None, GOOD), serving=ONLY_TARGET)
    copy = under_way(goes_on(service, snapshot)).targets[0].copy_id
    outcome = goes_on(service, replace(snapshot, judged_copies={copy: failing}))
    assert outcome.ended is not None
    assert outcome.ended.reason == Reason.CONTRACT_NOT_VERIFIED


def test_too_few_requests_leave_the_verdict_to_the_probe() -> None:
    service = moving(Phase.TARGET_READY)
    snapshot = world(service, looks=(BAD, GOOD))
    few = {copy: replace(look, requests=199.0) for copy, look in snapshot.judged_copies.items()}
    idle = replace(snapshot, judged_copies=few)
    assert under_way(goes_on(service, idle)).phase is Phase.TARGET_READY
    move = under_way(goes_on(service, idle, NOON + timedelta(seconds=60)))
    assert (move.phase, move.verified_by) == (Phase.CONTRACT_VERIFIED, VerifiedBy.PROBE)


@pytest.mark.parametrize(
    ("trigger", "phase_after"),
    [
        pytest.param(Reason.LATENCY_BREACHED, Phase.TARGET_READY, id="for the contract"),
        pytest.param(Reason.NODE_CORDONED, Phase.CONTRACT_VERIFIED, id="for an order"),
    ],
)
def test_unknown_is_no_verdict_and_holds_up_only_what_moves_for_the_contract(
    trigger: Reason, phase_after: Phase
) -> None:
    service = moving(Phase.TARGET_READY, trigger)
    snapshot = world(service, looks=(None, None))
    blind = {copy: replace(look, requests=None) for copy, look in snapshot.judged_copies.items()}
    outcome = goes_on(service, replace(snapshot, judged_copies=blind), NOON + timedelta(seconds=61))
    assert under_way(outcome).phase is phase_after


def test_what_stays_unknown_until_the_deadline_goes_back() -> None:
    service = moving(Phase.TARGET_READY)
    snapshot = replace(world(service, looks=(None, None)), judged_copies={})
    outcome = goes_on(service, snapshot, NOON + timedelta(seconds=601))
    assert outcome.ended is not None
    assert outcome.ended.reason == Reason.CONTRACT_NOT_VERIFIED


def test_what_was_seen_before_this_phase_does_not_count() -> None:
    service = moving(Phase.TRAFFIC_SWITCHED, since=NOON + timedelta(seconds=20))
    snapshot = world(service, looks=(GOOD, BAD), serving=ONLY_TARGET)
    assert under_way(goes_on(service, snapshot)).phase is Phase.TRAFFIC_SWITCHED


def test_copies_that_cannot_be_told_apart_are_left_to_the_probe() -> None:
    service = moving(Phase.TARGET_READY)
    outcome = goes_on(service, replace(world(service, looks=(BAD, BAD)), copies_told_apart=False))
    assert under_way(outcome).verified_by is VerifiedBy.PROBE


def test_a_service_without_a_measurable_promise_is_left_to_the_probe() -> None:
    service = moving(service=a_service(qos={}))
    outcome = goes_on(service, replace(world(service), judged=()))
    assert under_way(outcome).verified_by is VerifiedBy.PROBE
