"""A service goes ahead of its users by the machine of all moves, and is not called back for where they still are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.api.migration_status import Phase
from aif.contract.copies import FAILURES
from aif.planning.mobility.moves import Verdict
from aif.reconcile.aiservice import reconcile
from aif.reconcile.holding import claim_of
from aif.reconcile.moving.limits import left_nodes
from aif.reconcile.outcome import Outcome
from aif.reconcile.placing import place
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.whereabouts import Whereabouts
from tests.builders import NOON, an_aiservice
from tests.reconcile.moving.moves import (
    a_look,
    a_service,
    breached,
    here,
    judged,
    moving,
    there,
    told,
    under_way,
    world,
)
from tests.reconcile.moving.test_causes import moved
from tests.reconcile.scenes import a_placement, placed
from tests.reconcile.spread import a_world_of

LEAVING = Whereabouts(
    "gnb-7", Verdict.MOVE, "gnb-8", "gnb-8", "it avoids 30.0 s in breach, and costs as much as 10.0 s"
)
AT_HOME: dict[str, Any] = {"ue": {"attachedTo": "gnb-7"}}


def ahead(service: AIService, users: Whereabouts | None = LEAVING, **overrides: Any) -> Outcome:
    """Return what is decided about a service that keeps its contract, whose users are as told."""
    snapshot = replace(breached(service, value=0.005), users=users, **overrides)
    return place(service, snapshot, NOON)


def test_a_service_moves_ahead_of_its_users_make_before_break() -> None:
    service = a_service(**AT_HOME)
    outcome = ahead(service)
    move = under_way(outcome)
    assert (move.trigger, move.phase) == ("HandoverExpected", Phase.TARGET_RESERVED)
    assert [(each.node, each.users_at) for each in move.targets] == [("gnb-8", "gnb-8")]
    assert outcome.placements == (here(service),)
    assert move.message == f"the users are expected to go from gnb-7 to gnb-8: {LEAVING.reason}"
    assert told(outcome) == ["MoveStarted"]


@pytest.mark.parametrize(
    "users",
    [
        pytest.param(None, id="nobody tells"),
        pytest.param(replace(LEAVING, verdict=Verdict.WAIT), id="not yet"),
        pytest.param(replace(LEAVING, verdict=Verdict.UNKNOWN), id="too little is known"),
        pytest.param(replace(LEAVING, host="gnb-7"), id="it is there already"),
        pytest.param(replace(LEAVING, host="gnb-9"), id="the node is gone"),
    ],
)
def test_a_service_stays_where_it_is(users: Whereabouts | None) -> None:
    service = a_service(**AT_HOME)
    outcome = ahead(service, users)
    assert (outcome.migration, outcome.placements, outcome.degraded) == (None, (here(service),), None)


def test_a_service_that_rests_after_a_move_is_no_worse_for_it() -> None:
    outcome = ahead(moved(a_service(**AT_HOME)))
    assert (outcome.migration, outcome.degraded) == (None, None)


def test_a_person_is_asked_first_where_the_contract_says_so() -> None:
    service = a_service(**AT_HOME, autonomy={"level": "Manual"})
    status = reconcile(service, replace(breached(service, value=0.005), users=LEAVING), NOON).status
    assert status is not None
    assert (status.migration, status.plan and status.plan.node) == (None, "gnb-8")


def test_a_broken_contract_looks_for_a_place_from_where_the_users_are() -> None:
    service = a_service(**AT_HOME)
    outcome = place(service, replace(breached(service), users=Whereabouts("gnb-8")), NOON)
    assert [(each.node, each.users_at) for each in under_way(outcome).targets] == [("gnb-8", "gnb-8")]
    from_home = place(service, breached(service), NOON)
    assert from_home.migration is None, "from the declared site there is no way to it"


def test_a_first_place_is_chosen_for_where_the_users_are() -> None:
    service = an_aiservice(**AT_HOME)
    outcome = place(service, a_world_of(service, users=Whereabouts("gnb-8")), NOON)
    assert [(each.node, each.users_at) for each in outcome.placements] == [("gnb-8", "gnb-8")]


def test_a_place_that_was_taken_ahead_is_judged_from_where_the_users_will_be() -> None:
    service = an_aiservice(**AT_HOME)
    gone_ahead = placed(service, a_placement(service, "gnb-8", users_at="gnb-8"))
    outcome = place(gone_ahead, a_world_of(gone_ahead), NOON)
    assert (list(outcome.placements), outcome.degraded) == (gone_ahead.status.placements, None)
    declared = placed(service, a_placement(service, "gnb-8"))
    assert place(declared, a_world_of(declared), NOON).placements != tuple(declared.status.placements)


def test_after_a_restart_its_traffic_is_held_on_the_link_where_the_users_are() -> None:
    service = an_aiservice(**AT_HOME)
    snapshot = a_world_of(service)
    claim = claim_of(service, a_placement(service, "gnb-8", users_at="gnb-8"), snapshot.table, snapshot.policy)
    assert claim is not None
    assert claim.site == "gnb-8"


def test_who_goes_ahead_may_come_back_with_the_users() -> None:
    assert left_nodes(moved(a_service(), trigger=Reason.HANDOVER_EXPECTED), NOON) == frozenset()
    assert left_nodes(moved(a_service()), NOON) == {"gnb-9"}
    back = moved(a_service(), trigger=Reason.HANDOVER_EXPECTED, result="RolledBack", reason="ContractNotVerified")
    assert left_nodes(back, NOON) == {"gnb-7"}


def verified(trigger: Reason, **look: Any) -> Outcome:
    """Return what is decided once the new copy was measured from where the users still are: worse than the old one."""
    service = moving(Phase.TARGET_READY, trigger)
    copies = {
        here(service).copy_id: a_look(service, 0.005),
        there(service).copy_id: a_look(service, **{"value": 0.050} | look),
    }
    snapshot: Snapshot = replace(world(service), judged=(judged(service, 0.005),), judged_copies=copies)
    return place(service, snapshot, NOON + timedelta(seconds=120))


@pytest.mark.parametrize(
    ("trigger", "look", "taken_back"),
    [
        pytest.param(Reason.HANDOVER_EXPECTED, {}, False, id="the way as it is says nothing of where they will be"),
        pytest.param(Reason.HANDOVER_EXPECTED, {"estimated": True}, True, id="the way as predicted does"),
        pytest.param(Reason.HANDOVER_EXPECTED, {"dimension": FAILURES, "value": 0.5}, True, id="requests that fail do"),
        pytest.param(Reason.LATENCY_BREACHED, {}, True, id="and so it does of every other move"),
    ],
)
def test_a_new_copy_is_judged_by_what_can_be_known_of_it(
    trigger: Reason, look: dict[str, Any], *, taken_back: bool
) -> None:
    assert (verified(trigger, **look).ended is not None) is taken_back
