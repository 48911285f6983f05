"""Several workers that learn one model together: one Indexed Job, found by the first, placed all or none."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import nan
from typing import Any

import pytest

from aif.domain.learning import roles_of
from aif.planning.learning import expected, spending
from aif.reconcile.training.children import network_policy, service
from aif.reconcile.training.files import role_file
from aif_runtime.backends.choosing import Backend, Place
from aif_runtime.roles.trainer import TrainerRole
from tests.reconcile.training.jobs import Life, a_job
from tests.reconcile.training.test_files import jobs_of

SPEC: dict[str, Any] = {"workers": 3, "tls": "None"}


def workers_life(**spec: Any) -> Life:
    """Return a job with three workers that run."""
    life = Life(a_job("Centralized", **SPEC | spec))
    life.look(5, 1.0)
    return life


def test_workers_are_one_indexed_job_whose_pods_know_how_to_reach_the_first() -> None:
    spec = jobs_of("Centralized", **SPEC)["trainer"]["spec"]
    assert (spec["completions"], spec["parallelism"], spec["completionMode"]) == (3, 3, "Indexed")
    assert spec["template"]["spec"]["hostAliases"] == [{"ip": "10.0.0.1", "hostnames": ["digits-trainer"]}]


def test_a_single_worker_has_no_number_and_nobody_dials_it() -> None:
    (role,) = roles_of(a_job("Centralized"))
    assert jobs_of("Centralized")["trainer"]["spec"]["completionMode"] == "NonIndexed"
    assert not role.listens


def test_the_service_of_workers_leads_to_the_first_of_them() -> None:
    job = a_job("Centralized", **SPEC)
    selector = service(job, roles_of(job)[0])["spec"]["selector"]
    assert selector["batch.kubernetes.io/job-completion-index"] == "0"
    assert selector["net4ai.io/role"] == "trainer"


def test_workers_may_dial_one_another_at_any_port_and_others_may_not() -> None:
    job = a_job("Centralized", **SPEC)
    among, page = network_policy(job, roles_of(job)[0])["spec"]["ingress"]
    assert "ports" not in among
    assert [peer["podSelector"]["matchLabels"]["net4ai.io/role"] for peer in among["from"]] == ["trainer"]
    assert [port["port"] for port in page["ports"]] == [7071]


@pytest.mark.parametrize("number", [0, 2])
def test_each_worker_reads_from_its_file_and_its_number_which_of_them_it_is(number: int) -> None:
    job = a_job("Centralized", **SPEC)
    read = TrainerRole.model_validate({**role_file(job, roles_of(job)[0]), "index": number})
    assert read.place({}) == Place(number, 3, "digits-trainer:7070")
    assert read.model.backend is Backend.TORCH, "only PyTorch has workers that learn together"


def test_workers_are_placed_all_or_none_and_hold_what_all_need() -> None:
    life = workers_life()
    (claims,) = {each.copy for each in life.claims}
    assert (claims, sum(each.pods for each in life.job.status.placements)) == ("trainer", 3)
    assert sum(each.resources["cpu"] for each in life.claims) == 3 * 0.5
    crowd = Life(a_job("Centralized", workers=64, tls="None", workload={"image": "x", "resources": {"cpu": 4}}))
    crowd.look(2)
    assert crowd.condition("Placed")[0] == "False"
    assert crowd.claims == ()


def test_the_quorum_is_there_once_all_workers_run() -> None:
    life = workers_life()
    life.look(1, 1.0)
    ready = next(c for c in life.job.status.conditions if c.type == "QuorumReady")
    assert (ready.status, life.job.status.roles[0].ready, life.job.status.roles[0].pods) == ("True", 3, 3)
    life.pods = list  # type: ignore[method-assign]  # none of them runs any more
    life.look(1, 1.0)
    ready = next(c for c in life.job.status.conditions if c.type == "QuorumReady")
    assert (ready.status, ready.message) == ("False", "0 of 3 workers run")


def test_with_the_node_of_one_worker_all_go_elsewhere_and_begin_anew() -> None:
    placement = {"servers": {"tiers": ["Device"]}}
    life = workers_life(placement=placement)
    lost = life.job.status.placements[0].node
    life.lose(lost)
    life.look(1, 60.0)
    life.look(3, 1.0)
    assert life.deleted == ["digits-trainer"]
    pods = Counter({each.node: each.pods for each in life.job.status.placements})
    assert pods.total() == 3
    assert lost not in pods


def test_a_job_is_not_done_before_the_last_of_its_workers_is() -> None:
    life = workers_life()
    for succeeded, done in ((1, "False"), (3, "True")):
        child = life.children["Job", "digits-trainer"]
        status = {"succeeded": succeeded, "completionTime": life.now.strftime("%Y-%m-%dT%H:%M:%SZ")}
        life.children["Job", "digits-trainer"] = replace(child, body={**child.body, "status": status})
        life.look(1, 60.0)
        assert life.condition("Complete")[0] == done


def test_bytes_between_workers_that_nobody_counts_keep_no_promise() -> None:
    life = workers_life(qos={"transfer": {"maxBytes": "1Gi"}})
    life.says("Training", round=2, live=3, transferred_bytes=0)
    life.look(1, 20.0)
    (transfer,) = life.job.status.qos
    assert (transfer.measured, transfer.verdict) == (None, "Unknown")
    assert life.job.status.progress is not None
    assert life.job.status.progress.live == 3


def test_workers_share_the_time_and_not_the_energy() -> None:
    (alone, joules), (three, same) = (
        spending(a_job("Centralized", **spec), 10.0, 1e9, nan, nan) for spec in ({}, SPEC)
    )
    assert float(three) == pytest.approx(float(alone) / 3)
    assert float(same) == pytest.approx(float(joules))


def test_gradients_of_every_step_count_as_transfer() -> None:
    alone, three = (expected(a_job("Centralized", **spec)) for spec in ({}, SPEC))
    steps = -(-1438 // 32)
    assert alone.round_bytes == 0.0
    assert three.round_bytes == 2 * 2 * steps * three.model_bytes
    whole = expected(a_job("Centralized", **SPEC, training={"batchSize": 0}))
    assert whole.round_bytes == 2 * 2 * whole.model_bytes
