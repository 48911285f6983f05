"""Federated jobs from the first client to the model: who is late, lost, or sends what cannot be used."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from aif_runtime.federated.client import Client
from aif_runtime.federated.progress import MESSAGE_BYTES, Phase, Progress
from aif_runtime.learning.arrays import Arrays
from aif_runtime.learning.errors import JobFailed, PeerRefused
from aif_runtime.roles.client import ClientRole, client_of
from aif_runtime.wire.envelope import Frame
from aif_runtime.wire.member import Member
from aif_runtime.wire.peer import Peer
from tests.aif_runtime.jobs import Job, a_job, until

THREE = {"rounds": 3, "clients": 3, "quorum": 2, "evaluators": 1}


def a_federation(job: Job, rules: dict[str, Any], clients: int = 3, **more: Any) -> None:
    """Start all roles of a federated job."""
    job.aggregator(rules, **more)
    job.evaluator()
    for index in range(clients):
        job.client(index)


async def done(rules: dict[str, Any], **more: Any) -> tuple[dict[str, Any], Arrays]:
    """Run a federated job; return its status and its model."""
    async with a_job() as job:
        a_federation(job, rules, **more)
        await job.ended()
        return job.status, load_file(job.folder / "model.safetensors")


async def a_bad_client(job: Job, change: Callable[[Frame], Frame], name: str = "client-2") -> None:
    """Be a client that changes each answer before it goes out."""
    told = job.told(name=name, index=2, aggregator=job.at("agg"))
    role = ClientRole.model_validate(told)
    client = client_of(role)

    async def answer(peer: Peer, request: Frame) -> Frame:
        found = await client.answer(peer, request)
        return change(found) if found.kind == "trained" else found

    hub = Peer(role.aggregator, answer, role.pace, role.limits, role.job)
    await Member(name, role.aggregator, "Federation", hub, None, {"role": "client"}).stay()


async def test_three_clients_learn_together() -> None:
    status, model = await done(THREE, plan={"localEpochs": 3})
    assert status["phase"] == "Complete"
    assert status["round"] == 3
    assert status["accuracyBasisPoints"] >= 9000
    assert model["fc1.weight"].shape == (128, 64)


@pytest.mark.parametrize("strategy", ["FedProx", "FedAdam", "Median", "Krum"])
async def test_every_strategy_leads_to_a_model(strategy: str) -> None:
    status, _ = await done({**THREE, "rounds": 2}, strategy={"name": strategy})
    assert status["phase"] == "Complete"
    assert status["accuracyBasisPoints"] > 2000


async def test_every_role_ends_with_the_job() -> None:
    async with a_job() as job:
        a_federation(job, {**THREE, "rounds": 1})
        await job.ended()
        for name in job.tasks:
            await job.ended(name, 20)


async def test_below_the_quorum_nothing_is_trained() -> None:
    async with a_job() as job:
        a_federation(job, {**THREE, "quorum": 3}, clients=2)
        await until(lambda: job.status["clients"]["live"] == 2)
        assert job.status["phase"] == "Waiting"
        assert job.status["reason"] == "QuorumNotReached"
        await until(lambda: job.status["message"] == "2 clients are there, 3 are needed")
        job.client(2)
        await job.ended()


async def test_a_client_that_comes_later_takes_part() -> None:
    async with a_job() as job:
        a_federation(job, {**THREE, "rounds": 30, "gatherSeconds": 0}, clients=2)
        await until(lambda: job.status["round"] >= 1)
        job.client(2)
        await until(lambda: job.status["clients"]["answered"] == 3)


async def test_a_lost_client_holds_nobody_up_while_the_quorum_holds() -> None:
    async with a_job() as job:
        a_federation(job, {**THREE, "rounds": 12, "graceSeconds": 0.1})
        await until(lambda: job.status["round"] >= 2)
        await job.kill("client-1")
        await job.ended()
        assert job.status["clients"]["answered"] == 2


async def test_a_job_pauses_below_the_quorum_and_goes_on_above() -> None:
    async with a_job() as job:
        a_federation(job, {**THREE, "rounds": 15, "graceSeconds": 0.1})
        await until(lambda: job.status["round"] >= 1)
        await job.kill("client-1", "client-2")
        await until(lambda: job.status["phase"] == "Paused")
        seen = job.status["round"]
        await asyncio.sleep(0.5)
        assert job.status["round"] == seen
        job.client(1)
        await until(lambda: job.status["round"] > seen)


async def test_a_job_that_never_reaches_its_quorum_fails_at_the_deadline() -> None:
    async with a_job() as job:
        a_federation(job, {**THREE, "deadlineSeconds": 0.5}, clients=1)
        with pytest.raises(JobFailed) as failed:
            await job.ended()
        assert failed.value.reason == "QuorumNotReached"
        assert job.status["phase"] == "Failed"


async def test_where_no_loss_is_allowed_the_first_one_ends_the_job() -> None:
    async with a_job() as job:
        a_federation(job, {**THREE, "onLoss": "Fail", "rounds": 1000, "graceSeconds": 0.1})
        await until(lambda: job.status["round"] >= 1)
        await job.kill("client-1")
        with pytest.raises(JobFailed) as failed:
            await job.ended()
        assert failed.value.reason == "ClientLost"


async def test_where_losses_are_waited_for_the_client_that_comes_back_is_in_every_round() -> None:
    async with a_job() as job:
        a_federation(job, {**THREE, "onLoss": "Wait", "rounds": 8})
        await until(lambda: job.status["round"] >= 2)
        await job.kill("client-1")
        seen = job.status["round"]
        await asyncio.sleep(0.5)
        assert job.status["round"] <= seen + 1
        job.client(1)
        await job.ended()
        assert {entry["clients"] for entry in job.status["history"]} == {3}


async def test_a_late_client_is_left_out_of_its_round() -> None:
    async def slow(self: Client, peer: Peer, request: Frame) -> Frame:
        if request.kind == "train" and self.index == 1:
            await asyncio.sleep(600)
        return await plain(self, peer, request)

    plain = Client.answer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "answer", slow)
        async with a_job() as job:
            a_federation(job, {**THREE, "rounds": 1, "roundSeconds": 2})
            await job.ended()
            assert job.status["lost"] == {"client-1": "no answer after 2 s"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda frame: replace(frame, arrays={**frame.arrays, "fc1.bias": np.zeros(3, dtype=np.float32)}),
            "fc1.bias has the shape (3,), the model needs (128,)",
            id="a wrong shape",
        ),
        pytest.param(
            lambda frame: replace(frame, arrays={**frame.arrays, "fc1.bias": np.full(128, np.nan, dtype=np.float32)}),
            "fc1.bias holds 128 of 128 values that are not finite",
            id="NaN",
        ),
        pytest.param(lambda frame: replace(frame, arrays={}), "the update lacks fc1.bias", id="nothing"),
        pytest.param(
            lambda frame: replace(frame, config={"round": 99}),
            "the answer is for round 99, this is round 1",
            id="another round",
        ),
        pytest.param(
            lambda frame: replace(frame, metrics={"examples": 1e30, "loss": 0.0}),
            "metrics.examples must be",
            id="a huge weight",
        ),
        pytest.param(
            lambda frame: replace(frame, metrics={"examples": -3, "loss": 0.0}),
            "metrics.examples",
            id="a negative weight",
        ),
        pytest.param(lambda frame: replace(frame, metrics={"examples": 3}), "metrics.loss is missing", id="no loss"),
        pytest.param(
            lambda frame: replace(frame, arrays={**frame.arrays, "x": np.zeros(9_000_000, dtype=np.float32)}),
            "at most 32000000 are taken",
            id="a huge frame",
        ),
        pytest.param(
            lambda frame: replace(frame, epoch=0), "a frame of epoch 0 came, this is epoch 1", id="an old epoch"
        ),
        pytest.param(
            lambda frame: replace(frame, epoch=9), "a frame of epoch 9 came, this is epoch 1", id="an epoch to come"
        ),
    ],
)
async def test_who_sends_garbage_is_excluded_and_named_and_the_round_survives(
    change: Callable[[Frame], Frame], said: str
) -> None:
    async with a_job() as job:
        job.shared["frameBytes"] = 32_000_000
        a_federation(job, {**THREE, "rounds": 2, "graceSeconds": 0.1}, clients=2)
        bad = job.start("bad", a_bad_client(job, change))
        await job.ended()
        assert job.status["phase"] == "Complete"
        assert list(job.status["excluded"]) == ["client-2"]
        assert said in job.status["excluded"]["client-2"]
        assert job.status["clients"]["answered"] == 2
        with pytest.raises((JobFailed, TimeoutError)):
            await asyncio.wait_for(asyncio.shield(bad), 0.5)


async def test_a_killed_aggregator_goes_on_after_the_last_round() -> None:
    undisturbed, _ = await done({**THREE, "rounds": 6})
    async with a_job() as job:
        a_federation(job, {**THREE, "rounds": 6})
        await until(lambda: job.status["round"] >= 3)
        before = job.status["round"]
        await job.kill("agg")
        job.aggregator({**THREE, "rounds": 6})
        job.aggregators[-1].rounds.resume()
        assert job.status["round"] >= before
        await job.ended()
        assert job.status["epoch"] == 2
        assert job.status["digest"] == undisturbed["digest"]


async def test_the_job_ends_at_its_target() -> None:
    status, _ = await done({**THREE, "rounds": 50, "targetAccuracy": 0.5})
    assert status["round"] < 50
    assert status["accuracyBasisPoints"] >= 5000


async def test_the_job_ends_where_nothing_gets_better() -> None:
    status, _ = await done({**THREE, "rounds": 50, "patienceRounds": 2}, plan={"learningRate": 1e-9})
    assert status["round"] == status["bestRound"] + 2


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value encountered", "ignore:divide by zero")
async def test_a_job_that_diverges_fails_and_says_so() -> None:
    async with a_job(
        learning={"data": {"source": "Synthetic"}, "plan": {"learningRate": 100.0, "localEpochs": 20}}
    ) as job:
        a_federation(job, {**THREE, "evaluators": 0})
        with pytest.raises(JobFailed) as failed:
            await job.ended()
    assert failed.value.reason == "Diverged"


async def test_a_client_refuses_what_it_does_not_know() -> None:
    async with a_job() as job:
        client = client_of(ClientRole.model_validate(job.told(name="c", aggregator="x")))
    with pytest.raises(PeerRefused, match="a client knows no 'dance'"):
        await client.answer(Peer("p", client.answer), Frame("dance"))


def test_the_last_message_fits_into_what_kubernetes_keeps() -> None:
    excluded = {f"client-{index}": "fc1.bias holds 128 of 128 values that are not finite" for index in range(500)}
    progress = Progress(900, 500, 1, phase=Phase.COMPLETE, excluded=excluded, digest="d" * 64)
    progress.history.extend({"round": turn, "accuracy": turn / 977} for turn in range(1, 901))
    progress.routine = {"groups": {f"group-{at}": {"cut": "layer.with.a.name", "live": 999} for at in range(16)}}
    message = progress.last_message()
    assert len(message.encode()) <= MESSAGE_BYTES
    assert [one["round"] for one in json.loads(message)["history"]] == list(range(15, 901, 15))
    assert json.loads(message)["excludedCount"] == 500
    assert json.loads(message)["digest"] == "d" * 64


def test_what_remains_follows_from_the_last_rounds() -> None:
    progress = Progress(10, 3, 3, round=4)
    assert progress.remaining_seconds is None
    progress.seconds.extend([1.0, 3.0])
    assert progress.remaining_seconds == 12.0
