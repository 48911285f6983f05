"""A ComputeNode is what was measured of it: heard of, as strong as claimed, overloaded; and events say so once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from aif.api.computenode import ComputeNode
from aif.api.measured import DeviceCalibration, Efficiency
from aif.contract.alarms import Phase
from aif.contract.pressure import Level, Pressure, Reading
from aif.contract.resources import ResourceQuery, Scope
from aif.contract.telemetry import Hearing, NodeReading
from aif.domain.actions import Emit
from aif.domain.cluster import Node
from aif.domain.conditions import timestamp
from aif.reconcile.computenode import NodeSnapshot, judge, reconcile
from aif.scheduling.ledger import Held
from tests.builders import NOON, a_compute_node, a_node

CPU_QUERY = ResourceQuery(
    resource="cpu", scope=Scope.NODE, query="sum by ($by) (x)", raise_percent=95, clear_percent=80, for_seconds=60
)


def a_pressure(share: float, phase: Phase) -> Pressure:
    """Return pressure on the CPU of a node."""
    return Pressure(Reading(Level("gnb-7", "cpu"), share, CPU_QUERY), phase, NOON.timestamp())


def a_reading(hearing: Hearing = Hearing.FRESH, share: float = 0.5, phase: Phase = Phase.QUIET) -> NodeReading:
    """Return what exporters tell of a node."""
    return NodeReading(hearing, (a_pressure(share, phase),), share, NOON.timestamp())


def a_calibration(percent: int, observations: int = 40, at: datetime = NOON) -> DeviceCalibration:
    """Return what was learnt of the accelerator."""
    compute = Efficiency(
        measured_percent=percent,
        efficiency_percent=percent,
        confidence_percent=80,
        spread_percent=5,
        observations=observations,
    )
    return DeviceCalibration(device="nvidia.com/gpu", compute=compute, updated_at=timestamp(at))


def seen(node: Node | None = None, **parts: Any) -> NodeSnapshot:
    """Return the world with these parts."""
    return NodeSnapshot(node or a_node(), "gnb-7", Held(), **parts)


def after(compute: ComputeNode, snapshot: NodeSnapshot, now: datetime = NOON) -> ComputeNode:
    """Return ``compute`` with its status written."""
    return compute.model_copy(update={"status": judge(compute, snapshot, now)})


def verdict(compute: ComputeNode, kind: str) -> tuple[str, str]:
    """Return status and reason of a condition."""
    found = next(each for each in compute.status.conditions if each.type == kind)
    return found.status, found.reason


def events(compute: ComputeNode, snapshot: NodeSnapshot, now: datetime = NOON) -> list[str]:
    """Return the reasons of the events that are told."""
    return [each.reason for each in reconcile(compute, snapshot, now) if isinstance(each, Emit)]


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        pytest.param(None, ("Unknown", "MetricsMissing"), id="nothing measures"),
        pytest.param(a_reading(), ("True", "AsExpected"), id="fresh"),
        pytest.param(a_reading(Hearing.SILENT), ("True", "AsExpected"), id="silent for a moment"),
        pytest.param(a_reading(Hearing.LOST), ("False", "MetricsStale"), id="lost"),
        pytest.param(a_reading(Hearing.NEVER), ("Unknown", "MetricsMissing"), id="never heard of"),
        pytest.param(a_reading(Hearing.UNASKED), ("Unknown", "PrometheusError"), id="Prometheus is down"),
    ],
)
def test_telemetry_is_fresh_lost_or_unknown(reading: NodeReading | None, said: tuple[str, str]) -> None:
    assert verdict(after(a_compute_node(), seen(reading=reading)), "TelemetryFresh") == said


def test_an_overload_is_told_with_its_levels_and_cleared_with_one_event_each() -> None:
    calm = after(a_compute_node(), seen(reading=a_reading()))
    assert verdict(calm, "Overloaded") == ("False", "AsExpected")
    busy = seen(reading=a_reading(share=0.98, phase=Phase.RAISED))
    assert events(calm, busy) == ["NodeOverloaded"]
    loaded = after(calm, busy)
    assert verdict(loaded, "Overloaded") == ("True", "NodeOverloaded")
    assert [row.to_dict() for row in loaded.status.resources] == [
        {
            "resource": "cpu",
            "alarm": "Raised",
            "since": timestamp(NOON),
            "usedPercent": 98,
            "raisePercent": 95,
            "clearPercent": 80,
        }
    ]
    hovering = seen(reading=a_reading(share=0.9, phase=Phase.RAISED))
    assert events(loaded, hovering) == []
    assert reconcile(loaded, hovering, NOON + timedelta(seconds=15)) == (), "a value that moves writes nothing"
    assert events(loaded, seen(reading=a_reading(share=0.5)), NOON + timedelta(seconds=30)) == ["AlarmCleared"]


def test_a_pending_alarm_is_written_so_that_its_timer_outlives_the_operator() -> None:
    compute = after(a_compute_node(), seen(reading=a_reading(share=0.98, phase=Phase.PENDING)))
    assert [row.alarm for row in compute.status.resources] == ["Pending"]
    assert verdict(compute, "Overloaded") == ("False", "AsExpected")


def test_a_node_that_is_lost_and_comes_back_is_told_once_each() -> None:
    well = after(a_compute_node(), seen())
    lost = seen(a_node(ready="Unknown"))
    assert events(well, lost) == ["NodeUnreachable"]
    assert events(after(well, lost), lost) == []
    assert events(after(well, lost), seen()) == ["AlarmCleared"]


@pytest.mark.parametrize(
    ("node", "claimed", "said"),
    [
        pytest.param({}, {"cpu": 8.0}, ("Unknown", "MetricsMissing"), id="all is there"),
        pytest.param(
            {"allocatable": {"cpu": 32.0, "nvidia.com/gpu": 0.0}},
            {},
            ("False", "AllocatableLowered"),
            id="a device less",
        ),
        pytest.param(
            {"allocatable": {"cpu": 4.0, "nvidia.com/gpu": 1.0}},
            {"cpu": 8.0},
            ("False", "AllocatableLowered"),
            id="fewer cores than services hold",
        ),
    ],
)
def test_lowered_allocatable_is_an_alarm(
    node: dict[str, Any], claimed: dict[str, float], said: tuple[str, str]
) -> None:
    compute = after(a_compute_node(), seen(a_node(**node), claimed=claimed))
    assert verdict(compute, "CapabilityVerified") == said


def test_a_node_far_from_its_claim_is_told_with_its_figures() -> None:
    compute = after(a_compute_node(), seen(learnt=(a_calibration(40),), reading=a_reading()))
    assert verdict(compute, "CapabilityVerified") == ("False", "CapabilityNotAttained")
    message = next(each.message for each in compute.status.conditions if each.type == "CapabilityVerified")
    assert "nvidia.com/gpu attains 40 %" in message
    assert compute.status.observed is not None
    assert compute.status.observed.efficiency_percent == 40


def test_a_node_near_its_claim_is_verified() -> None:
    compute = after(a_compute_node(), seen(learnt=(a_calibration(97),), reading=a_reading()))
    assert verdict(compute, "CapabilityVerified") == ("True", "AsExpected")


def test_calibration_is_written_where_it_matters_and_once_a_minute_at_most() -> None:
    first = after(a_compute_node(), seen(learnt=(a_calibration(97),)))
    little = seen(learnt=(a_calibration(96, at=NOON + timedelta(minutes=2)),))
    assert reconcile(first, little, NOON + timedelta(minutes=2)) == ()
    much = seen(learnt=(a_calibration(50),))
    assert reconcile(first, much, NOON + timedelta(seconds=59)) == ()
    assert reconcile(first, much, NOON + timedelta(seconds=60)) != ()


def test_what_a_predecessor_learnt_stays_while_nothing_new_is_known() -> None:
    first = after(a_compute_node(), seen(learnt=(a_calibration(97),)))
    assert reconcile(first, seen(), NOON + timedelta(hours=1)) == ()


def test_a_load_that_moved_a_little_is_not_written() -> None:
    first = after(a_compute_node(), seen(reading=a_reading(share=0.50)))
    assert first.status.observed is not None
    assert first.status.observed.load_percent == 50
    later = NOON + timedelta(minutes=2)
    assert reconcile(first, seen(reading=a_reading(share=0.55)), later) == ()
    assert reconcile(first, seen(reading=a_reading(share=0.65)), NOON + timedelta(seconds=30)) == ()
    assert reconcile(first, seen(reading=a_reading(share=0.65)), later) != ()
