"""`aif top jobs` lists how far training jobs are."""

from __future__ import annotations

import json

import pytest

from aif.cli.top.jobs import report
from tests.cli.conftest import Aif, call
from tests.cli.train.learning import SAMPLE, a_job, put
from tests.fake_api import FakeApi


def test_a_row_tells_round_clients_accuracy_and_places(aif: Aif) -> None:
    head, row = aif("top", "jobs", "-f", str(SAMPLE)).out.splitlines()
    assert head.split() == [
        "JOB",
        "MODE",
        "STATE",
        "ROUND",
        "CLIENTS",
        "ACCURACY",
        "LEFT",
        "TRAFFIC",
        "ENERGY",
        "NODES",
    ]
    assert row.split()[:7] == ["digits", "Federated", "Training", "14/20", "2/3", "90.25", "%"]
    assert row.rstrip().endswith("edge-1 and 2 more")


@pytest.mark.parametrize(
    ("sort_by", "first"),
    [("name", "a"), ("state", "b"), ("remaining", "b"), ("traffic", "a"), ("energy", "a")],
)
def test_jobs_are_sorted(sort_by: str, first: str) -> None:
    progress = a_job().status.progress
    assert progress is not None
    more = progress.model_copy(update={"remaining_seconds": None, "transferred_bytes": 10**9, "millijoules": 5})
    one = a_job(progress=more.to_dict())
    two = a_job(summary={"state": "Paused"})
    named = [
        job.model_copy(update={"metadata": job.metadata.model_copy(update={"name": name})})
        for name, job in (("b", two), ("a", one))
    ]
    assert report(named, sort_by)["jobs"][0]["name"] == first


def test_an_unknown_order_is_told_with_those_that_are_known(aif: Aif) -> None:
    done = aif("top", "jobs", "-f", str(SAMPLE), "--sort-by", "moon")
    assert done.err == "error: --sort-by: nothing is called moon; known are name, state, remaining, traffic, energy\n"


async def test_jobs_of_the_contexts_namespace_are_listed(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    put(fake)
    fake.put("/apis/net4ai.io/v1alpha1/namespaces/video/trainingjobs/broken", {"metadata": {"name": "x"}, "spec": {}})
    for words, names in (([], ["digits"]), (["-n", "default"], []), (["-n", "default", "-A"], ["digits"])):
        done = await call(aif, "top", "jobs", *words, "--kubeconfig", kubeconfig, "-o", "json")
        assert [job["name"] for job in json.loads(done.out)["jobs"]] == names


def test_where_there_is_none_it_says_how_to_look_elsewhere(aif: Aif) -> None:
    assert "There is no TrainingJob here" in aif("top", "jobs", "-f", str(SAMPLE), "-n", "nowhere").out
