"""The contract of a training job: each dimension beside what was foreseen and measured, and when it is an alarm."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.aiservice_status import DimensionStatus
from aif.domain.learning import Told
from tests.builders import a_compute_node, a_link
from tests.reconcile.training.jobs import SMALL_CPU, Life, a_job, a_running


def row_of(life: Life) -> DimensionStatus:
    """Return the one row of the contract."""
    (row,) = life.job.status.qos
    return row


def a_lasting(qos: dict[str, Any], seconds: float = 100.0, **told: Any) -> Life:
    """Return a running job that says this of itself after a while."""
    life = a_running(qos=qos)
    life.look(1, seconds)
    life.told = Told("Training", life.now, rounds=10, **{"round": 5, "live": 3, **told})
    life.look(1, 11.0)
    return life


@pytest.mark.parametrize(
    ("qos", "told", "broken", "reason"),
    [
        pytest.param({"time": {"maxSeconds": 1000}}, {}, False, None, id="time kept"),
        pytest.param({"time": {"maxSeconds": 100}}, {}, True, "TimeBreached", id="time"),
        pytest.param(
            {"transfer": {"maxBytes": "1G"}}, {"transferred_bytes": 1_040_000_000}, False, None, id="tolerance"
        ),
        pytest.param(
            {"transfer": {"maxBytes": "1G"}},
            {"transferred_bytes": 1_060_000_000},
            True,
            "TransferBreached",
            id="transfer",
        ),
        pytest.param(
            {"transfer": {"maxBytes": 1000, "enforcement": "Soft", "tolerancePercent": 0}},
            {"transferred_bytes": 1001},
            True,
            "TransferBreached",
            id="a soft bound is an alarm too",
        ),
        pytest.param({"storage": {"maxBytes": "1G"}}, {"stored_bytes": 1000}, False, None, id="storage kept"),
        pytest.param(
            {"storage": {"maxBytes": "1G"}}, {"stored_bytes": 2 * 10**9}, True, "StorageBreached", id="storage"
        ),
        pytest.param({"energy": {"maxKilojoules": 1000}}, {}, False, None, id="energy kept"),
        pytest.param(
            {"accuracy": {"minBasisPoints": 9000}}, {"accuracy_basis_points": 8000}, False, None, id="not finished"
        ),
    ],
)
def test_a_broken_bound_is_an_alarm_and_a_kept_one_is_none(
    qos: dict[str, Any], told: dict[str, Any], *, broken: bool, reason: str | None
) -> None:
    life = a_lasting(qos, **told)
    assert life.condition("ThresholdAlarm") == (("True", reason) if broken else ("", ""))
    assert (row_of(life).verdict == "Breached") is broken
    assert row_of(life).alarm == ("Raised" if broken else None)
    assert life.condition("Ready")[0] == "True"


@pytest.mark.parametrize(
    ("reached", "verdict"),
    [
        pytest.param(9000, "Met", id="met"),
        pytest.param(8900, "Met", id="near"),
        pytest.param(8000, "Breached", id="low"),
    ],
)
def test_the_accuracy_of_a_finished_model_is_held_against_its_bound(reached: int, verdict: str) -> None:
    life = a_running(qos={"accuracy": {"minBasisPoints": 9000}})
    life.says("Complete", round=10, accuracy_basis_points=reached)
    life.look(2, 1.0)
    assert row_of(life).verdict == verdict
    assert life.condition("ThresholdAlarm")[1] == ("AccuracyBreached" if verdict == "Breached" else "")
    assert life.condition("Complete")[0] == "True"


@pytest.mark.parametrize(
    ("qos", "known"),
    [
        pytest.param({"time": {"maxSeconds": 1000}}, True, id="time"),
        pytest.param({"transfer": {"maxBytes": "1G"}}, True, id="transfer"),
        pytest.param({"storage": {"maxBytes": "1G"}}, True, id="storage"),
        pytest.param({"energy": {"maxKilojoules": 1000}}, True, id="energy"),
        pytest.param({"accuracy": {"minBasisPoints": 9000}}, False, id="accuracy"),
    ],
)
def test_what_a_placed_job_will_take_is_foretold(qos: dict[str, Any], *, known: bool) -> None:
    life = Life(a_job(qos=qos))
    life.look()
    assert (row_of(life).predicted is not None) is known
    assert row_of(life).verdict == "Unknown"


def test_since_when_a_verdict_stands_outlives_other_figures() -> None:
    life = a_lasting({"transfer": {"maxBytes": 10**6, "enforcement": "Soft"}}, transferred_bytes=2 * 10**6)
    since = row_of(life).since
    life.told = Told("Training", life.now, rounds=10, round=6, live=3, transferred_bytes=3 * 10**6)
    life.look(1, 60.0)
    assert (row_of(life).measured, row_of(life).since) == (3 * 10**6, since)


@pytest.mark.parametrize(
    ("qos", "reason"),
    [
        pytest.param({"time": {"maxSeconds": 1}}, "TimeInfeasible", id="time"),
        pytest.param({"compute": {"minFlopsPerSecond": "900T"}}, "ComputeInfeasible", id="compute"),
        pytest.param({"securityLevel": "High"}, "SecurityInfeasible", id="security"),
    ],
)
def test_a_promise_that_no_node_keeps_is_refused_before_anything_runs(qos: dict[str, Any], reason: str) -> None:
    life = Life(a_job(qos=qos, model={"name": "mlp-3", "flopsPerExample": "1T"}))
    life.look(3, 1.0)
    assert life.condition("Placed") == ("False", reason)
    assert life.claims == ()
    assert life.events == [reason]
    assert {one.reason for one in life.job.status.rejected} >= {reason}


def test_a_role_leaves_a_node_that_is_no_longer_as_secure_as_promised() -> None:
    life = a_running(qos={"securityLevel": "Medium"}, placement={"servers": {"tiers": ["Edge", "Cloud"]}})
    (before,) = {each.node for each in life.job.status.placements if each.role == "aggregator"}
    fallen = a_compute_node(before, tier="Edge", devices=[SMALL_CPU], links=[a_link()], securityLevel="Low")
    life.network = [(fallen if compute.metadata.name == before else compute, node) for compute, node in life.network]
    life.look(4, 1.0)
    assert before not in {each.node for each in life.job.status.placements}
    assert life.condition("Placed") == ("True", "AsExpected")
