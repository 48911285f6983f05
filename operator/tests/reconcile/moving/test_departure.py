"""How a move begins: what serves is left make-before-break, what serves nobody is replaced at once and recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.api.migration_status import MigrationRecord, Phase
from aif.domain.cluster import Node, ServiceView
from aif.domain.conditions import timestamp
from aif.reconcile.outcome import Outcome
from aif.reconcile.placing import place
from aif.reconcile.snapshot import Snapshot
from tests.builders import NOON, a_compute_node, a_node
from tests.reconcile.moving.moves import a_service, moving, under_way, world
from tests.reconcile.scenes import a_copys_pod, a_view, changed, copy_of
from tests.reconcile.spread import HOME, NEXT, READY, a_spread_service, a_world_of, nodes_of

CORDONED = a_node("worker-gnb-7", unschedulable=True)
LOST = a_node("worker-gnb-7", ready="Unknown", ready_since=NOON - timedelta(hours=1))
OTHER = {"workload": {"image": "plates:2", "resources": {"cpu": 2, "memory": "4Gi"}}, "qos": {}}


def seen(service: AIService, node: Node = READY[0], *, ready: bool = True, **fields: Any) -> Snapshot:
    """Return the world of a service that serves on gnb-7, with the Node behind that as told."""
    view = world(service, source=ready, target=None).view
    return a_world_of(service, HOME, NEXT, nodes=[node, READY[1]], view=view, **fields)


def decided(service: AIService, snapshot: Snapshot) -> Outcome:
    return place(service, snapshot, NOON)


def test_a_cordoned_node_is_left_make_before_break() -> None:
    service = a_service()
    outcome = decided(service, seen(service, CORDONED))
    assert under_way(outcome).trigger == "NodeCordoned"
    assert outcome.moved is Reason.NODE_CORDONED
    assert [each.node for each in outcome.placements] == ["gnb-7"]


@pytest.mark.parametrize(
    ("node", "ready", "reason"),
    [
        pytest.param(LOST, True, "NodeUnreachable", id="a lost node"),
        pytest.param(CORDONED, False, "NodeCordoned", id="a copy that answers nobody"),
    ],
)
def test_what_serves_nobody_is_replaced_at_once_and_recorded(node: Node, reason: str, *, ready: bool) -> None:
    service = a_service()
    outcome = decided(service, seen(service, node, ready=ready))
    assert [each.node for each in outcome.placements] == ["gnb-8"]
    assert outcome.migration is None
    assert outcome.ended is not None
    assert (outcome.ended.result, outcome.ended.trigger, outcome.ended.source, outcome.ended.to) == (
        "Completed",
        reason,
        "gnb-7",
        "gnb-8",
    )
    assert outcome.ended.verified_by is None


def test_a_loss_is_replaced_however_much_moves_and_however_often_the_service_moved() -> None:
    service = a_service(migration={"maxPerHour": 0})
    outcome = decided(service, replace(seen(service, LOST), may_start=False))
    assert [each.node for each in outcome.placements] == ["gnb-8"]


def test_a_changed_template_is_a_move() -> None:
    old = a_service()
    new = changed(old, **OTHER)
    outcome = decided(new, seen(old))
    assert under_way(outcome).trigger == "SpecChanged"
    assert [each.copy_id for each in outcome.placements] == [each.copy_id for each in old.status.placements]


def test_a_changed_template_with_recreate_is_replaced_at_once() -> None:
    old = a_service()
    outcome = decided(changed(old, **OTHER, update="Recreate"), seen(old))
    assert outcome.migration is None
    assert outcome.ended is not None


def test_nobody_sets_out_while_a_copy_of_before_still_goes() -> None:
    service = a_service()
    snapshot = seen(service, CORDONED)
    stray = copy_of(changed(service, **OTHER))
    view = replace(snapshot.view, children=(*snapshot.view.children, stray))
    outcome = decided(service, replace(snapshot, view=view))
    assert (outcome.migration, outcome.again_after) == (None, 1.0)


def after_rollback(service: AIService, reason: Reason, generation: int) -> AIService:
    record = MigrationRecord(
        id=1,
        source="gnb-7",
        to="gnb-8",
        trigger="SpecChanged",
        result="RolledBack",
        reason=reason,
        generation=generation,
        ended_at=timestamp(NOON - timedelta(seconds=100)),
    )
    return service.model_copy(update={"status": service.status.model_copy(update={"migrations": [record]})})


@pytest.mark.parametrize(
    ("reason", "generation", "again_after"),
    [
        pytest.param(Reason.IMAGE_PULL_FAILED, 2, 200.0, id="a failed one, after the rest"),
        pytest.param(Reason.ABORTED, 2, None, id="one that a person ended, never"),
        pytest.param(Reason.SUPERSEDED, 2, 0.0, id="one that another change overtook, at once"),
        pytest.param(Reason.IMAGE_PULL_FAILED, 1, 0.0, id="one of an earlier spec, at once"),
    ],
)
def test_a_changed_spec_that_was_taken_back_is_tried_again(
    reason: Reason, generation: int, again_after: float | None
) -> None:
    old = a_service()
    new = after_rollback(changed(old, **OTHER), reason, generation)
    outcome = decided(new, seen(old))
    if again_after == 0.0:
        assert under_way(outcome).phase is Phase.TARGET_RESERVED
    else:
        assert (outcome.verdict.status, outcome.verdict.reason) == ("False", Reason.ROLLED_BACK)
        assert "the copy on gnb-7 serves on" in outcome.verdict.message
        assert outcome.again_after == again_after


def test_of_several_copies_the_lost_one_is_replaced_before_the_cordoned_one_moves() -> None:
    service = a_spread_service(1, 1)
    rows = [*(HOME, NEXT), a_compute_node("gnb-9"), a_compute_node("gnb-10"), a_compute_node("gnb-11")]
    lost = replace(LOST, name="worker-gnb-8")
    nodes = [CORDONED, lost, *(a_node(f"worker-gnb-{n}") for n in (9, 10, 11))]
    outcome = place(service, a_world_of(service, *rows, nodes=nodes, view=_answering(service)), NOON)
    assert outcome.migration is None
    assert {node for node, _ in nodes_of(outcome)} > {"gnb-7"}
    assert "gnb-8" not in {node for node, _ in nodes_of(outcome)}


def _answering(service: AIService) -> ServiceView:
    children = [copy_of(service, placement) for placement in service.status.placements]
    return a_view(*children, pods=[a_copys_pod(child, uid=child.reference.name) for child in children])


def test_a_move_that_an_earlier_release_began_is_left_to_its_end() -> None:
    """There the new placement was recorded at once, and the old copy went when the new one was ready."""
    service = a_service()
    outcome = decided(service, seen(service))
    assert (outcome.migration, outcome.ended) == (None, None)
    assert moving().status.migration is not None
