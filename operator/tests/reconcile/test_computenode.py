"""Compute management judges a ComputeNode."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aif.api.computenode import ComputeNode
from aif.domain.actions import WriteStatus
from aif.domain.cluster import Node
from aif.reconcile.computenode import NodeSnapshot, judge, reconcile, summary
from aif.scheduling.ledger import Held
from tests.builders import NOON, a_compute_node, a_device, a_node

EXTERNAL: dict[str, Any] = {"origin": "External", "provider": {"name": "partner"}}


def conditions(
    compute: ComputeNode, node: Node | None, speaker: str = "", held: Held | None = None
) -> dict[str, tuple[str, str]]:
    """Return status and reason of each condition."""
    status = judge(compute, NodeSnapshot(node, speaker, held or Held()), NOON)
    return {c.type: (c.status, c.reason) for c in status.conditions}


@pytest.mark.parametrize(
    ("compute", "node", "speaker", "ready", "schedulable"),
    [
        pytest.param({}, {}, "gnb-7", ("True", "AsExpected"), ("True", "AsExpected"), id="a ready node of the network"),
        pytest.param({}, None, "gnb-7", ("False", "NodeNotJoined"), ("False", "NodeNotJoined"), id="no such Node"),
        pytest.param(
            {}, {"ready": "False"}, "gnb-7", ("False", "NodeNotReady"), ("False", "NodeNotReady"), id="not ready"
        ),
        pytest.param(
            {}, {"ready": "Unknown"}, "gnb-7", ("False", "NodeUnreachable"), ("False", "NodeUnreachable"), id="silent"
        ),
        pytest.param(
            {}, {"unschedulable": True}, "gnb-7", ("True", "AsExpected"), ("False", "NodeCordoned"), id="cordoned"
        ),
        pytest.param({}, {}, "gnb-6", ("False", "NameConflict"), ("False", "NameConflict"), id="an older one speaks"),
        pytest.param(
            EXTERNAL, {}, "gnb-7", ("False", "VerificationPending"), ("False", "VerificationPending"), id="external"
        ),
        pytest.param(
            {**EXTERNAL, "nodeName": None},
            None,
            "",
            ("False", "VerificationPending"),
            ("False", "VerificationPending"),
            id="external, not joined",
        ),
    ],
)
def test_a_node_is_ready_as_far_as_its_parts_are(
    compute: dict[str, Any],
    node: dict[str, Any] | None,
    speaker: str,
    ready: tuple[str, str],
    schedulable: tuple[str, str],
) -> None:
    judged = conditions(a_compute_node(**compute), None if node is None else a_node(**node), speaker)
    assert judged["Ready"] == ready
    assert judged["Schedulable"] == schedulable


def test_every_condition_of_the_roll_up_exists_from_the_first_judgement_on() -> None:
    assert list(conditions(a_compute_node(), None)) == [
        "Ready",
        "Accepted",
        "Verified",
        "NodeReady",
        "Schedulable",
        "TelemetryFresh",
        "CapabilityVerified",
        "Overloaded",
    ]


def test_a_judgement_that_changes_nothing_is_not_written() -> None:
    compute, seen = a_compute_node(), NodeSnapshot(a_node(), "gnb-7", Held(1e12, 2))
    judged = compute.model_copy(update={"status": judge(compute, seen, NOON)})
    assert reconcile(judged, seen, NOON + timedelta(hours=1)) == ()


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    compute = a_compute_node()
    first = compute.model_copy(update={"status": judge(compute, NodeSnapshot(a_node(), "", Held()), NOON)})
    later = judge(first, NodeSnapshot(a_node(ready="False"), "", Held()), NOON + timedelta(hours=1))
    times = {c.type: c.last_transition_time for c in later.conditions}
    assert (times["Ready"], times["Accepted"]) == ("2030-01-01T13:00:00Z", "2030-01-01T12:00:00Z")


def test_what_is_held_is_reported() -> None:
    (write,) = reconcile(a_compute_node(), NodeSnapshot(a_node(), "", Held(930e9, 1)), NOON)
    assert isinstance(write, WriteStatus)
    assert write.status["reserved"] == {"flopsPerSecond": "930G", "services": 1, "trainingJobs": 0}


def test_the_columns_sum_up_all_devices() -> None:
    text = summary(a_compute_node(devices=[a_device(count=2), a_device(name="b", model=None, type="example.org/npu")]))
    assert text.accelerator == "2x NVIDIA-A100-SXM4-40GB, 1x example.org/npu"
    assert (text.teraflops, text.power) == ("58.5", "1200 W")
