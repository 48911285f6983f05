"""How a move goes on: every phase, and everything that may come up in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aif.api.conditions import Reason
from aif.api.migration_status import Phase, VerifiedBy
from aif.domain.annotations import ABORT
from aif.domain.cluster import Node, ServiceView
from aif.reconcile.snapshot import Snapshot
from tests.builders import NOON, a_node
from tests.reconcile.moving.moves import (
    annotated,
    goes_on,
    moving,
    told,
    under_way,
    world,
)
from tests.reconcile.scenes import changed
from tests.reconcile.spread import READY, nodes_of

BEFORE_THE_END = [Phase.TARGET_RESERVED, Phase.TARGET_READY, Phase.CONTRACT_VERIFIED, Phase.TRAFFIC_SWITCHED]
ONLY_TARGET = ["gnb-8"]
BAD, GOOD = 0.030, 0.010

each_phase = pytest.mark.parametrize("phase", BEFORE_THE_END)


def lost_node(name: str) -> Node:
    return a_node(name, ready="Unknown", ready_since=NOON - timedelta(hours=1))


def with_waiting(snapshot: Snapshot, node: str, waiting: str) -> Snapshot:
    """Return ``snapshot`` in which the pod on ``node`` waits."""
    pods = tuple(replace(p, waiting=waiting) if p.uid == f"pod-{node}" else p for p in snapshot.view.pods)
    return replace(snapshot, view=replace(snapshot.view, pods=pods))


# What each phase waits for


def test_a_copy_that_comes_up_is_waited_for() -> None:
    outcome = goes_on(moving(), world(moving(), target=False))
    assert under_way(outcome).phase is Phase.TARGET_RESERVED
    assert outcome.again_after is not None
    assert outcome.news == ()


def test_a_ready_copy_is_waited_for_until_the_service_leads_to_it() -> None:
    outcome = goes_on(moving(), world(moving(), serving=["gnb-7"]))
    assert under_way(outcome).phase is Phase.TARGET_RESERVED


def test_where_nothing_measures_readiness_is_all_it_takes() -> None:
    outcome = goes_on(moving(), world(moving()))
    assert under_way(outcome).phase is Phase.CONTRACT_VERIFIED
    assert under_way(outcome).verified_by is VerifiedBy.PROBE
    assert told(outcome) == ["TargetReady", "ContractVerified"]


def test_a_copy_that_keeps_the_contract_takes_over_as_soon_as_that_is_known() -> None:
    service = moving(Phase.TARGET_READY)
    outcome = goes_on(service, world(service, looks=(BAD, GOOD)))
    move = under_way(outcome)
    assert (move.phase, move.verified_by) == (Phase.CONTRACT_VERIFIED, VerifiedBy.MEASUREMENT)
    assert [(each.dimension, each.source, each.target) for each in move.figures] == [("latency", 30_000, 10_000)]


def test_the_service_is_waited_for_until_it_leads_to_the_new_copy_alone() -> None:
    service = moving(Phase.CONTRACT_VERIFIED)
    assert under_way(goes_on(service, world(service))).phase is Phase.CONTRACT_VERIFIED
    outcome = goes_on(service, world(service, serving=ONLY_TARGET, looks=(BAD, GOOD)))
    assert under_way(outcome).phase is Phase.TRAFFIC_SWITCHED
    assert told(outcome) == ["TrafficSwitched"]


def test_probation_lasts_as_long_as_the_user_said() -> None:
    service = moving(Phase.TRAFFIC_SWITCHED)
    snapshot = world(service, serving=ONLY_TARGET, looks=(None, GOOD))
    assert under_way(goes_on(service, snapshot, NOON + timedelta(seconds=59))).phase is Phase.TRAFFIC_SWITCHED
    outcome = goes_on(service, snapshot, NOON + timedelta(seconds=60))
    assert under_way(outcome).phase is Phase.SOURCE_DRAINING
    assert nodes_of(outcome) == [("gnb-8", 1)]
    assert [placement.node for placement in outcome.placements] == ["gnb-8"]
    assert {claim.node for claim in outcome.claims} == {"gnb-8"}


def test_the_move_is_over_when_the_old_copy_is_gone() -> None:
    service = moving(Phase.SOURCE_DRAINING)
    assert under_way(goes_on(service, world(service, source=False))).phase is Phase.SOURCE_DRAINING
    outcome = goes_on(service, world(service, source=None))
    assert outcome.migration is None
    assert outcome.ended is not None
    assert (outcome.ended.result, outcome.ended.source, outcome.ended.to) == ("Completed", "gnb-7", "gnb-8")
    assert told(outcome) == ["Completed"]


def test_a_pod_that_will_not_end_is_not_waited_for_forever() -> None:
    service = moving(Phase.SOURCE_DRAINING)
    outcome = goes_on(service, world(service, source=False), NOON + timedelta(seconds=61))
    assert outcome.migration is None


# What may come up on the way


@each_phase
def test_a_new_copy_whose_node_is_lost_goes_and_the_old_one_stays(phase: Phase) -> None:
    service = moving(phase)
    outcome = goes_on(service, world(service, target=False, nodes=[READY[0], lost_node("worker-gnb-8")]))
    assert outcome.migration is None
    assert outcome.ended is not None
    assert (outcome.ended.result, outcome.ended.reason) == ("RolledBack", Reason.NODE_UNREACHABLE)
    assert nodes_of(outcome) == [("gnb-7", 1)]
    assert {claim.node for claim in outcome.claims} == {"gnb-7"}


@each_phase
def test_a_changed_template_drops_the_new_copy(phase: Phase) -> None:
    service = moving(phase)
    edited = changed(service, qos={"latency": {"maxP99Microseconds": 20_000}}, workload={"image": "plates:2"})
    outcome = goes_on(edited, world(service))
    assert outcome.ended is not None
    assert outcome.ended.reason == Reason.SUPERSEDED


@each_phase
def test_a_person_ends_a_move(phase: Phase) -> None:
    service = annotated(moving(phase), **{ABORT: "1#please"})
    outcome = goes_on(service, world(service))
    assert outcome.ended is not None
    assert outcome.ended.reason == Reason.ABORTED
    assert outcome.handled == {"last_handled_abort": "1#please"}


def test_a_move_that_drains_has_no_way_back() -> None:
    service = annotated(moving(Phase.SOURCE_DRAINING), **{ABORT: "1"})
    outcome = goes_on(service, world(service, source=False))
    assert under_way(outcome).phase is Phase.SOURCE_DRAINING
    assert (outcome.handled, told(outcome)) == ({"last_handled_abort": "1"}, ["MigrationForbidden"])


@pytest.mark.parametrize("phase", BEFORE_THE_END[1:])
def test_a_new_copy_that_is_no_longer_ready_goes_back_at_once(phase: Phase) -> None:
    service = moving(phase)
    outcome = goes_on(service, world(service, target=False))
    assert outcome.ended is not None
    assert (outcome.ended.result, outcome.ended.reason) == ("RolledBack", Reason.NO_READY_ENDPOINT)


@pytest.mark.parametrize("phase", BEFORE_THE_END[1:])
def test_where_neither_copy_is_ready_both_are_waited_for(phase: Phase) -> None:
    service = moving(phase)
    assert under_way(goes_on(service, world(service, source=False, target=False))).phase is phase


@pytest.mark.parametrize("phase", BEFORE_THE_END)
def test_a_source_that_dies_leaves_the_service_to_a_copy_that_is_ready(phase: Phase) -> None:
    service = moving(phase)
    snapshot = world(service, source=False, looks=(None, BAD))
    outcome = goes_on(service, snapshot)
    while (move := under_way(outcome)).phase is not Phase.SOURCE_DRAINING:
        places = {"migration": move, "placements": list(outcome.placements)}
        service = service.model_copy(update={"status": service.status.model_copy(update=places)})
        before, outcome = outcome, goes_on(service, snapshot)
        assert outcome != before, "it gets stuck"
    assert [placement.node for placement in outcome.placements] == ["gnb-8"]


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        pytest.param("", Reason.MIGRATION_TIMEOUT, id="for no known reason"),
        pytest.param("ImagePullBackOff", Reason.IMAGE_PULL_FAILED, id="without its image"),
        pytest.param("CrashLoopBackOff", Reason.CRASH_LOOPING, id="as it crashes"),
    ],
)
def test_a_copy_that_is_not_ready_in_time_goes(waiting: str, reason: Reason) -> None:
    service = moving()
    snapshot = with_waiting(world(service, target=False), "gnb-8", waiting)
    assert goes_on(service, snapshot, NOON + timedelta(seconds=300)).migration is not None
    outcome = goes_on(service, snapshot, NOON + timedelta(seconds=601))
    assert outcome.ended is not None
    assert outcome.ended.reason == reason


def test_a_service_that_never_turns_goes_back_at_the_deadline() -> None:
    service = moving(Phase.CONTRACT_VERIFIED)
    outcome = goes_on(service, world(service), NOON + timedelta(seconds=601))
    assert outcome.ended is not None
    assert outcome.ended.reason == Reason.MIGRATION_TIMEOUT


def test_a_pod_that_no_node_takes_bars_the_node_and_goes_back() -> None:
    service = moving()
    snapshot = world(service, target=False)
    stuck = tuple(
        replace(p, node="", unschedulable_since=NOON - timedelta(seconds=20)) if p.uid == "pod-gnb-8" else p
        for p in snapshot.view.pods
    )
    outcome = goes_on(service, replace(snapshot, view=replace(snapshot.view, pods=stuck)))
    assert outcome.ended is not None
    assert outcome.ended.reason == Reason.CAPACITY_RESERVED
    assert outcome.barred == {"gnb-8"}


# Whoever resumes


@each_phase
def test_the_same_status_and_world_give_the_same_step(phase: Phase) -> None:
    service = moving(phase)
    snapshot = world(service)
    assert goes_on(service, snapshot) == goes_on(service, snapshot)


@each_phase
def test_a_clock_that_was_set_back_begins_the_phase_anew(phase: Phase) -> None:
    service = moving(phase, since=NOON + timedelta(hours=1))
    outcome = goes_on(service, world(service, target=phase is not Phase.TARGET_RESERVED, looks=(BAD, BAD)))
    move = under_way(outcome)
    assert move.phase_since.startswith("2030-01-01T12:00:30")
    assert move.deadline.startswith("2030-01-01T12:10:30")


def test_a_service_that_is_not_seen_at_all_is_not_taken_for_dead() -> None:
    service = moving(Phase.TARGET_READY)
    snapshot = replace(world(service), view=ServiceView())
    assert under_way(goes_on(service, snapshot)).phase is Phase.TARGET_READY
