"""What is reported of an object whose stored spec cannot be read."""

from __future__ import annotations

from datetime import timedelta

from aif.domain.actions import WriteStatus
from aif.domain.cluster import ObjectReference
from aif.errors import InvalidSpec
from aif.reconcile.faulty import reconcile
from tests.builders import NOON

HERE = ObjectReference("net4ai.io/v1alpha1", "AIService", "shop", "plates", "uid-1")
FAULT = InvalidSpec("spec.variants[0].count", "Input should be greater than or equal to 1")


def test_the_field_at_fault_is_named_in_the_conditions() -> None:
    (write,) = reconcile(HERE, 3, {}, FAULT, NOON)
    assert isinstance(write, WriteStatus)
    assert write.status["observedGeneration"] == 3
    told = {c["type"]: (c["status"], c["reason"]) for c in write.status["conditions"]}
    assert told == {
        "Ready": ("False", "InvalidSpec"),
        "Accepted": ("False", "InvalidSpec"),
        "Stalled": ("True", "InvalidSpec"),
    }
    assert all(c["message"].startswith("spec.variants[0].count: ") for c in write.status["conditions"])


def test_what_is_told_already_is_not_written_again() -> None:
    (write,) = reconcile(HERE, 3, {}, FAULT, NOON)
    assert isinstance(write, WriteStatus)
    assert reconcile(HERE, 3, write.status, FAULT, NOON + timedelta(hours=1)) == ()


def test_the_placement_survives_the_fault() -> None:
    (write,) = reconcile(HERE, 3, {"placements": [{"node": "gnb-7"}]}, FAULT, NOON)
    assert isinstance(write, WriteStatus)
    assert write.status["placements"] == [{"node": "gnb-7"}]


def test_a_status_that_is_unreadable_too_is_replaced() -> None:
    (write,) = reconcile(HERE, 3, {"conditions": [{"type": 7}]}, FAULT, NOON)
    assert isinstance(write, WriteStatus)
    assert len(write.status["conditions"]) == 3
