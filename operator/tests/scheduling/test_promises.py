"""Bounds of training jobs on time and energy: what no node can keep is refused, and what nobody knows is not."""

from __future__ import annotations

from math import isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.domain.policy import Policy
from aif.planning.kpi.inference import Channel, Platform
from aif.planning.kpi.training import TrainingWork, distributed
from aif.planning.learning import expected, spending
from aif.scheduling.learning import place
from aif.scheduling.promises import outlook
from aif.scheduling.roles import JobSelection
from tests.builders import CPU_32, a_compute_node, a_device, a_link, a_node
from tests.reconcile.training.jobs import MODES, a_job, a_table

FAST, SLOW, FRUGAL = ("fast", "1G", 100), ("slow", "1M", 10), ("frugal", "500M", 1)
EVERYWHERE = {"clients": {"tiers": ["Edge"]}}


def a_world(*nodes: tuple[str, str, int]) -> Any:  # noqa: ANN401 - as the other builders
    """Return edge nodes, each with a rate and a power."""
    made = []
    for name, rate, watts in nodes:
        figures = {"peakFlops": [{"precision": "FP32", "flopsPerSecond": rate}], "power": {"maxWatts": watts}}
        device = a_device(CPU_32, count=8, memory="8Gi", **figures)
        compute = a_compute_node(name, tier="Edge", devices=[device], links=[a_link()])
        allocatable = {"cpu": 8.0, "memory": 8.0 * 2**30, "pods": 20.0}
        made.append((compute, a_node(f"worker-{name}", allocatable=allocatable)))
    return a_table(made)


def placed(table: Any, mode: str = "Federated", **spec: Any) -> JobSelection:  # noqa: ANN401
    """Return where such a job goes."""
    return place(a_job(mode, placement=EVERYWHERE, **spec), table, Policy())


def learners(selection: JobSelection) -> set[str]:
    """Return the nodes that learn."""
    return {each.placement.node for each in selection.choices if each.placement.role in ("client", "trainer")}


def seconds_on(name: str, table: Any, mode: str = "Federated") -> float:  # noqa: ANN401
    """Return what all rounds take there."""
    only = place(a_job(mode), table.only([name]), Policy())
    return outlook(a_job(mode), [each.placement for each in only.choices], table).seconds


def test_a_hard_bound_on_time_leaves_slow_nodes_out() -> None:
    table = a_world(FAST, SLOW)
    bound = round(seconds_on("fast", table)) + 5
    assert learners(placed(table, qos={"time": {"maxSeconds": bound}})) == {"fast"}


def test_a_bound_on_time_that_no_node_keeps_refuses_by_its_own_reason() -> None:
    selection = placed(a_world(SLOW), qos={"time": {"maxSeconds": 1}})
    assert (selection.choices, selection.reason) == ((), "TimeInfeasible")
    (missed,) = selection.rejections
    assert (missed.nearest, missed.required) == ("slow", "1 s")
    assert "time of all rounds short by" in selection.message


def test_a_bound_on_energy_that_no_node_keeps_refuses_by_its_own_reason() -> None:
    selection = placed(a_world(("hungry", "1M", 30_000)), qos={"energy": {"maxKilojoules": 1}})
    assert (selection.choices, selection.reason) == ((), "EnergyBudgetExceeded")


def test_a_bound_on_energy_leaves_nodes_out_that_would_break_it() -> None:
    table = a_world(("hungry", "1M", 30_000), ("frugal", "10M", 1))
    assert learners(placed(table, clients=2, qos={"energy": {"maxKilojoules": 1}})) == {"frugal"}


@pytest.mark.parametrize(
    "qos",
    [
        pytest.param({"time": {"maxSeconds": 1, "enforcement": "Soft"}}, id="time"),
        pytest.param({"energy": {"maxKilojoules": 1, "enforcement": "Soft"}}, id="energy"),
    ],
)
def test_a_soft_bound_refuses_nobody(qos: dict[str, Any]) -> None:
    assert placed(a_world(("hungry", "1M", 30_000)), qos=qos).choices


@pytest.mark.parametrize(
    ("mode", "model"),
    [
        pytest.param("Federated", {"name": "own-model"}, id="a model without figures"),
        pytest.param("Split", {"name": "mlp-3"}, id="a parted model"),
        pytest.param("Compression", {"name": "mlp-3"}, id="compression"),
    ],
)
def test_what_cannot_be_foretold_refuses_nobody(mode: str, model: dict[str, Any]) -> None:
    job = a_job(mode, model=model, qos={"time": {"maxSeconds": 1}})
    selection = place(job, a_world(SLOW), Policy())
    assert selection.choices
    assert isnan(outlook(job, [each.placement for each in selection.choices], a_world(SLOW)).seconds)


def test_nodes_that_tell_no_rate_refuse_nobody() -> None:
    silent = a_device(CPU_32, memory="8Gi", peakFlops=None, power=None)
    compute = a_compute_node("dumb", tier="Edge", devices=[silent], links=[a_link()])
    table = a_table([(compute, a_node("worker-dumb", allocatable={"cpu": 8.0, "memory": 8.0 * 2**30, "pods": 20.0}))])
    assert placed(table, qos={"time": {"maxSeconds": 1}, "energy": {"maxKilojoules": 1}}).choices


@pytest.mark.parametrize("mode", MODES)
def test_no_mode_fails_for_its_numbers(mode: str) -> None:
    seconds, joules = spending(a_job(mode), [10.0, nan], [1e9, 0.0], [1e6, 1e6], [1.0, 1.0])
    assert (len(seconds), len(joules)) == (2, 2)
    assert isnan(joules[1])


@given(watts=st.floats(1.0, 1e3), rate=st.floats(1e6, 1e15), bits=st.floats(1e3, 1e10), sending=st.floats(0.1, 100.0))
def test_the_figures_are_those_of_the_model_of_distributed_training(
    watts: float, rate: float, bits: float, sending: float
) -> None:
    job = a_job(clients=2, data={"source": "Synthetic"})
    plan, rounds = expected(job), job.spec.rounds.max
    work = TrainingWork(
        parameters=plan.model_bytes / 4,
        bits_per_parameter=32,
        flops_per_sample=plan.flops / plan.examples / rounds,
        input_bits=32,
        samples=plan.examples,
        samples_per_user=plan.examples / 2,
        rounds=rounds,
        users_per_round=2,
    )
    link = Channel(bits, sending)
    whole = distributed(work, Platform(rate, watts), link, link, link)
    seconds, joules = spending(job, watts, rate, bits, sending)
    assert float(seconds) == pytest.approx(whole.seconds)
    assert float(joules) == pytest.approx(whole.joules)


def test_the_slowest_learner_bounds_the_time_and_all_of_them_the_energy() -> None:
    table, job = a_world(FAST, SLOW, FRUGAL), a_job(clients=2)
    single = place(job, table.only(["slow"]), Policy())
    alone = outlook(job, [each.placement for each in single.choices], table)
    both = place(job, table.only(["slow", "fast"]), Policy())
    found = outlook(job, [each.placement for each in both.choices], table)
    assert found.seconds == pytest.approx(alone.seconds)
    rich = outlook(job, [e.placement for e in place(job, table.only(["fast"]), Policy()).choices], table)
    assert found.joules == pytest.approx((alone.joules + rich.joules) / 2)
