"""Roles of training jobs find their nodes by the filters, scores and the ledger of services, all of them or none."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aif.domain.policy import Policy
from aif.scheduling.learning import claims_for, place
from aif.scheduling.roles import JobSelection
from tests.reconcile.training.jobs import a_job, a_network, a_table

JOB = Any


def placed(job: JOB, phones: int = 4) -> JobSelection:
    return place(job, a_table(a_network(phones)), Policy())


def nodes_of(selection: JobSelection, role: str) -> Counter[str]:
    return Counter({c.placement.node: c.placement.pods for c in selection.choices if c.placement.role == role})


def test_clients_go_to_devices_one_each() -> None:
    assert set(nodes_of(placed(a_job()), "client").values()) == {1}
    assert all(node.startswith("phone-") for node in nodes_of(placed(a_job()), "client"))


def test_clients_share_devices_where_there_are_too_few() -> None:
    assert nodes_of(placed(a_job(clients=4), phones=2), "client") == {"phone-0": 2, "phone-1": 2}


def test_without_devices_clients_go_elsewhere() -> None:
    assert nodes_of(placed(a_job(), phones=0), "client").total() == 3


def test_a_tier_that_is_named_is_kept_to() -> None:
    job = a_job(placement={"clients": {"tiers": ["Device"]}})
    assert placed(job, phones=0).choices == ()


def test_a_local_function_stands_at_a_radio_site() -> None:
    assert set(nodes_of(placed(a_job("TwoLevel")), "local-a")) <= {"gnb-1", "gnb-2"}


def test_two_local_functions_stand_at_two_sites() -> None:
    groups = [{"name": "a", "clients": 2, "cut": "fc2"}, {"name": "b", "clients": 2, "cut": "fc2"}]
    selection = placed(a_job("TwoLevel", groups=groups))
    assert nodes_of(selection, "local-a") != nodes_of(selection, "local-b")


def test_the_aggregator_stands_where_models_travel_the_shortest() -> None:
    job = a_job(placement={"servers": {"tiers": ["Edge", "Cloud"]}})
    assert list(nodes_of(placed(job), "aggregator")) == ["edge-1"]


def test_the_manager_stands_beside_the_aggregator_whose_claim_it_shares() -> None:
    selection = placed(a_job("TwoLevel"))
    assert nodes_of(selection, "manager") == nodes_of(selection, "aggregator")


def test_an_accelerator_that_is_nowhere_is_done_without() -> None:
    variants = [{"name": "gpu", "accelerator": "nvidia.com/gpu"}, {"name": "cpu"}]
    selection = placed(a_job("Centralized", variants=variants))
    assert [choice.placement.variant for choice in selection.choices] == ["cpu"]
    assert placed(a_job("Centralized", variants=variants[:1])).choices == ()


@given(st.integers(1, 12), st.integers(0, 6))
def test_a_job_is_placed_as_a_whole_or_not_at_all_and_nothing_is_promised_twice(clients: int, phones: int) -> None:
    job, network = a_job(clients=clients), a_network(phones)
    selection = place(job, a_table(network), Policy())
    assert nodes_of(selection, "client").total() in (0, clients)
    held = a_table(network, tuple(choice.claim for choice in selection.choices))
    assert all(held.room.free_of("cpu") >= -1e-9)


@given(st.sampled_from(["Federated", "Split", "TwoLevel", "Centralized"]))
def test_what_is_held_after_a_restart_is_what_was_held_before(mode: str) -> None:
    job, table = a_job(mode), a_table(a_network())
    selection = place(job, table, Policy())
    status = job.status.model_copy(update={"placements": [choice.placement for choice in selection.choices]})
    again = claims_for(job.model_copy(update={"status": status}), table, Policy())
    assert again == tuple(choice.claim for choice in selection.choices)
