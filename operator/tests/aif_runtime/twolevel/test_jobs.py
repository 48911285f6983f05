"""Split and two-level jobs over real streams: the same bits, garbage, and the loss of every role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from aif_runtime.learning.arrays import digest
from aif_runtime.learning.data import Split, digits
from aif_runtime.learning.errors import JobFailed
from aif_runtime.learning.learner import Plan
from aif_runtime.learning.models import built
from aif_runtime.learning.training import Turn, train
from aif_runtime.roles import client
from aif_runtime.roles.client import ClientRole
from aif_runtime.twolevel.exchange import Exchange
from aif_runtime.wire.envelope import Frame
from tests.aif_runtime.certificates import Authority
from tests.aif_runtime.jobs import a_job, until
from tests.aif_runtime.twolevel.parts import Parts

TWO_CUTS = {"a": "fc1", "b": "relu2"}


async def test_two_groups_with_different_cuts_learn_one_model() -> None:
    async with a_job(learning={"plan": {"localEpochs": 2}}) as job:
        Parts(job, TWO_CUTS, each=2, k=2, rounds=4)
        for index in range(4):
            job.terminal(index)
        await job.ended()
        assert job.status["accuracyBasisPoints"] >= 9000
        assert {group["cut"] for group in job.status["routine"]["groups"].values()} == {"fc1", "relu2"}
        for name in list(job.tasks):
            await job.ended(name)


@pytest.mark.parametrize("cut", ["Input", "fc1", "relu2", "Output"])
async def test_split_learning_with_one_client_gives_the_bits_of_learning_in_one_place(cut: str) -> None:
    plan = Plan(learning_rate=0.05, momentum=0.9, batch=32, epochs=1)
    model = built("mlp-3", (), digits(Split(seed=7)).task, 7, plan)
    examples = digits(Split(seed=7, clients=2)).client(0)
    for turn in (1, 2):
        train(model, examples, plan, Turn(7, 0, turn))
        if cut == "Output":
            model.forget()  # there it is federated learning, where momentum begins anew with each round
    async with a_job() as job:
        parts = Parts(job, {"a": cut}, each=1, k=1, rounds=2, evaluators=0)
        if cut != "Output":
            await job.kill("lf-a")
            parts.servers["a"] = job.server("a", momentum="Keep")
        job.terminal(0, rawInputAllowed=True)
        await job.ended()
        last = load_file(job.folder / "state" / "round-000002.safetensors")
        found = {name.removeprefix("model/"): array for name, array in last.items() if name.startswith("model/")}
        assert digest(found) == digest(model.state)


async def test_one_after_the_other_gives_the_bits_of_learning_from_one_after_the_other() -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "relu1"}, each=3, k=3, rounds=1, evaluators=0)
        await job.kill("lf-a")
        parts.servers["a"] = job.server("a", schedule="Sequential", momentum="Keep")
        for index in range(3):
            job.terminal(index)
        await job.ended()
        order = np.random.default_rng([7, parts.manager.routine.epoch, 0]).permutation(3)
        plan = Plan()
        model = built("mlp-3", (), digits(Split(seed=7)).task, 7, plan)
        for index in np.argsort(order):
            train(model, digits(Split(seed=7, clients=3)).client(int(index)), plan, Turn(7, int(index), 1))
        assert digest(load_file(job.folder / "model.safetensors")) == digest(model.state)


async def test_a_group_with_the_whole_model_learns_at_the_aggregator_under_pseudonyms() -> None:
    async with a_job() as job:
        Parts(job, {"low": "fc1", "whole": "Output"}, each=2, k=2, rounds=2)
        for index in range(4):
            job.terminal(index)
        await until(lambda: job.status["clients"]["live"] == 3)
        names = {peer.name for peer in job.aggregators[0].hub.attached() if peer.info.get("role") == "client"}
        assert names.isdisjoint({f"t-{index}" for index in range(4)})
        await job.ended()
        assert job.status["clients"]["answered"] == 3


@pytest.mark.parametrize("role", ["lf-a", "fp", "man", "am", "agg", "t-1"])
async def test_after_the_loss_of_any_role_the_job_goes_on_where_it_was(role: str) -> None:
    async with a_job() as job:
        parts = Parts(job, TWO_CUTS, each=2, k=2, rounds=8)
        for index in range(4):
            job.terminal(index)
        await parts.round_done(2)
        await parts.in_round(3)
        before = job.status["round"]
        await job.kill(role)
        match role:
            case "lf-a":
                job.server("a")
            case "fp":
                job.forwarding()
            case "man":
                parts.start_manager()
            case "am":
                job.access()
            case "agg":
                job.aggregator(parts.rules)
            case _:
                job.terminal(1)
        await job.ended()
        assert job.status["round"] == 8
        rounds = [int(entry["round"]) for entry in job.status["history"]]
        assert rounds == list(range(1, 9))
        assert before >= 2
        assert job.status["accuracyBasisPoints"] >= 9000


async def test_a_job_says_what_its_routine_waits_for_also_after_its_aggregator_started_anew() -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=3, k=3, rounds=1)
        for index in range(2):
            job.terminal(index)
        waits = ("Waiting", "WaitingForConsent", "2 terminals consented for a, 3 are needed")
        await until(lambda: (job.status["phase"], job.status["reason"], job.status["message"]) == waits)
        await job.kill("agg")
        job.aggregator(parts.rules)
        await until(lambda: (job.status["phase"], job.status["reason"], job.status["message"]) == waits)
        job.terminal(2)
        await job.ended()
        assert (job.status["phase"], job.status["reason"]) == ("Complete", "")


async def test_a_job_whose_routine_never_begins_fails_at_the_deadline_by_what_it_waited_for() -> None:
    async with a_job() as job:
        Parts(job, {"a": "fc1"}, each=3, k=3, rounds=1, deadlineSeconds=5)
        for index in range(2):
            job.terminal(index)
        with pytest.raises(JobFailed, match="not done after 5 s: 2 terminals consented for a") as failed:
            await job.ended()
        assert failed.value.reason == "WaitingForConsent"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda frame: replace(frame, arrays={**frame.arrays, "a": frame.arrays["a"][:, :3]}),
            "the activations have the shape",
            id="a wrong shape",
        ),
        pytest.param(
            lambda frame: replace(frame, arrays={**frame.arrays, "a": frame.arrays["a"] * np.float32("nan")}),
            "values that are not finite",
            id="NaN",
        ),
        pytest.param(
            lambda frame: replace(frame, arrays={**frame.arrays, "y": frame.arrays["y"] + 10}),
            "the labels must be whole numbers from 0 to 9",
            id="labels that there are none of",
        ),
        pytest.param(
            lambda frame: replace(frame, kind="dance"), "activations a and labels y were expected", id="another kind"
        ),
    ],
)
async def test_a_terminal_that_sends_garbage_is_excluded_and_named_and_the_round_survives(
    change: Callable[[Frame], Frame], said: str
) -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=4, k=3, rounds=2)
        for index in range(3):
            job.terminal(index)
        bad = job.terminal(3)
        plain = Exchange.send

        async def send(self: Exchange, frame: Frame) -> None:
            await plain(self, change(frame) if frame.kind == "activations" and self.limits is bad.limits else frame)

        bad.limits = replace(bad.limits)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Exchange, "send", send)
            await job.ended()
        assert list(parts.manager.excluded) == ["t-3"]
        assert said in parts.manager.excluded["t-3"]
        assert job.status["excluded"] == parts.manager.excluded
        assert job.status["round"] == 2


async def test_two_levels_and_a_group_with_the_whole_model_learn_over_tls_on_every_stream(tmp_path: Path) -> None:
    async with a_job(authority=Authority(tmp_path)) as job:
        Parts(job, {"low": "fc1", "whole": "Output"}, each=2, k=2, rounds=2)
        for index in range(4):
            job.terminal(index)
        await until(lambda: job.status["clients"]["live"] == 3)
        names = {peer.name for peer in job.aggregators[0].hub.attached() if peer.info.get("role") == "client"}
        assert names.isdisjoint({f"t-{index}" for index in range(4)})
        await job.ended()
        assert job.status["clients"]["answered"] == 3
        assert job.status["round"] == 2


async def test_a_terminal_with_the_certificate_of_another_takes_no_part(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with a_job(authority=authority) as job:
        parts = Parts(job, {"a": "fc1"}, each=2, k=2, rounds=1)
        for index in range(2):
            job.terminal(index)
        told = job.told(name="t-0", index=0, access=job.at("am"))
        stranger = ClientRole.model_validate({**told, "name": "someone"})
        with pytest.raises(JobFailed, match="someone came with a certificate for t-0"):
            await client.serve(stranger, client.terminal_of(stranger))
        await job.ended()
        assert parts.manager.status()["groups"]["a"]["terminals"] == 2
