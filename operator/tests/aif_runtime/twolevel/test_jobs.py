"""Split and two-level jobs over real streams: the gate, consent, garbage, and the loss of every role."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from aif_runtime.learning.arrays import digest
from aif_runtime.learning.data import Split, digits
from aif_runtime.learning.learner import Plan
from aif_runtime.learning.models import built
from aif_runtime.learning.training import Turn, train
from aif_runtime.twolevel.exchange import Exchange
from aif_runtime.twolevel.manager import RoutineManager
from aif_runtime.twolevel.routine import Phase
from aif_runtime.twolevel.server import LocalFunction
from aif_runtime.twolevel.terminal import Terminal
from aif_runtime.wire.envelope import Frame
from aif_runtime.wire.streams import Pipe
from tests.aif_runtime.jobs import Job, a_job, until

Json = dict[str, Any]
TWO_CUTS = {"a": "fc1", "b": "relu2"}


class Parts:
    """The roles of a job over two levels, terminals aside.

    Attributes:
        seen: Phases and epochs of the routine in their order.
    """

    def __init__(self, job: Job, cuts: dict[str, str], each: int, k: int, rounds: int, **rules: Any) -> None:
        job.clients = max(2, each * len(cuts))
        servers = [name for name, cut in cuts.items() if cut != "Output"]
        whole = each * (len(cuts) - len(servers))
        clients = len(servers) + whole
        self.rules = {
            "rounds": rounds,
            "clients": clients,
            "quorum": clients,
            "evaluators": 1,
            "graceSeconds": 30,
            **rules,
        }
        self.groups = [
            {"name": name, "cut": cut, "clients": each, "server": job.at(f"lf-{name}") if cut != "Output" else ""}
            for name, cut in cuts.items()
        ]
        self.job, self.k = job, k
        self.seen: list[tuple[Phase, int]] = []
        job.aggregator(self.rules)
        job.evaluator()
        self.manager = self.start_manager()
        self.plane = job.forwarding()
        job.access()
        self.servers = {name: job.server(name) for name in servers}

    def start_manager(self, **more: Any) -> RoutineManager:
        """Start the routine manager."""
        manager = self.job.manager(self.groups, privacy={"kAnonymity": self.k}, **more)
        manager.changed = lambda routine: self.seen.append((routine.phase, routine.epoch))
        self.manager = manager
        return manager

    async def round_done(self, turn: int) -> None:
        """Wait until a round is done."""
        await until(lambda: self.job.status["round"] >= turn)

    async def in_round(self, turn: int) -> None:
        """Wait until data flow in a round."""
        await until(lambda: self.job.status["round"] >= turn - 1 and self.manager.routine.phase is Phase.RUNNING)


async def test_two_groups_with_different_cuts_learn_one_model() -> None:
    async with a_job(learning={"plan": {"localEpochs": 2}}) as job:
        Parts(job, TWO_CUTS, each=2, k=2, rounds=4)
        for index in range(4):
            job.terminal(index)
        await job.ended()
        assert job.status["accuracyBasisPoints"] >= 9000
        assert {group["cut"] for group in job.status["routine"]["groups"].values()} == {"fc1", "relu2"}
        for name in list(job.tasks):
            await job.ended(name, 20)


async def test_the_same_seed_gives_the_same_model() -> None:
    digests = []
    for _ in range(2):
        async with a_job() as job:
            Parts(job, TWO_CUTS, each=2, k=2, rounds=2)
            for index in range(4):
                job.terminal(index)
            await job.ended()
            digests.append(job.status["digest"])
    assert digests[0] == digests[1]


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


async def test_with_two_of_three_clients_no_stream_and_no_frame_reaches_the_server() -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=3, k=3, rounds=1)
        for index in range(2):
            job.terminal(index)
        await until(lambda: parts.manager.routine.reason == "WaitingForConsent")
        await asyncio.sleep(0.5)
        assert (parts.servers["a"].seen_streams, parts.servers["a"].seen_frames) == (0, 0)
        job.terminal(2)
        await job.ended()
        assert parts.servers["a"].seen_streams == 3


async def test_a_third_who_is_invited_and_never_comes_keeps_the_gate_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Terminal._exchange  # noqa: SLF001

    async def exchange(self: Terminal, told: Json) -> None:
        await (asyncio.sleep(600) if self.index == 0 else plain(self, told))

    monkeypatch.setattr(Terminal, "_exchange", exchange)
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=3, k=3, rounds=1)
        for index in range(3):
            job.terminal(index)
        await until(lambda: parts.manager.routine.reason == "KAnonymityNotReached")
        await asyncio.sleep(0.5)
        assert parts.manager.status()["groups"]["a"]["live"] == 2
        assert (parts.servers["a"].seen_streams, parts.servers["a"].seen_frames) == (0, 0)


async def test_where_too_few_are_left_nothing_more_reaches_the_server_until_one_comes_back() -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=3, k=3, rounds=60)
        for index in range(3):
            job.terminal(index)
        await parts.round_done(1)
        await job.kill("t-1")
        await until(lambda: parts.manager.routine.phase in {Phase.PAUSED, Phase.INVITING})
        frames = parts.servers["a"].seen_frames
        await asyncio.sleep(0.5)
        assert parts.servers["a"].seen_frames == frames
        seen = job.status["round"]
        job.terminal(1)
        await parts.round_done(seen + 2)
        assert parts.manager.routine.epoch == 2
        assert (Phase.PAUSED, 1) in parts.seen


async def test_withdrawn_consent_takes_effect_within_the_round() -> None:
    async with a_job(learning={"plan": {"localEpochs": 50}}) as job:
        parts = Parts(job, {"a": "fc1"}, each=3, k=3, rounds=1)
        consent = job.folder / "consent.json"
        consent.write_text('{"consent": true}')
        job.terminal(0, consentPath=consent)
        for index in (1, 2):
            job.terminal(index)
        await until(lambda: parts.servers["a"].seen_streams == 3)
        consent.write_text('{"consent": false}')
        await until(lambda: parts.manager.routine.phase is Phase.PAUSED)
        assert job.status["round"] == 0
        frames = parts.servers["a"].seen_frames
        await asyncio.sleep(0.3)
        assert parts.servers["a"].seen_frames == frames
        consent.write_text('{"consent": true}')
        await until(lambda: parts.manager.routine.phase is Phase.RUNNING)


async def test_who_refuses_raw_data_is_never_invited_below_the_input() -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "Input"}, each=1, k=1, rounds=1)
        job.terminal(0)
        await until(lambda: parts.manager.routine.reason == "WaitingForConsent")
        await asyncio.sleep(0.3)
        assert parts.servers["a"].seen_frames == 0
        job.terminal(1, rawInputAllowed=True)
        await job.ended()


async def test_a_terminal_declines_an_invitation_that_would_show_its_data() -> None:
    async with a_job() as job:
        terminal = job.terminal(0)
        told = {"cut": "Input", "ticket": "x", "epoch": 1, "forwarding": job.at("fp")}
        answer = await terminal.answer(None, Frame("invite", config=told))  # type: ignore[arg-type]
        assert (answer.kind, answer.config) == ("decline", {"reason": "RawInputRefused"})


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
        assert job.status["round"] == 2


@pytest.mark.parametrize(
    ("twist", "said"),
    [
        pytest.param(
            lambda frame, _: frame[:-1] + bytes([frame[-1] ^ 1]), "was changed on its way", id="a flipped bit"
        ),
        pytest.param(lambda frame, before: before or frame, "was expected", id="a replay"),
        pytest.param(
            lambda frame, _: frame[:9] + (999).to_bytes(4, "big") + frame[13:],
            "the frame is of epoch 999",
            id="another epoch",
        ),
    ],
)
async def test_what_is_twisted_on_its_way_is_refused(twist: Callable[[bytes, bytes], bytes], said: str) -> None:
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=1, k=1, rounds=1)
        kept = [b""]
        twisted = [False]

        def tap(frame: bytes) -> bytes:
            if frame[8] == 1 or twisted[0]:  # only upwards, and once
                return frame
            found = twist(frame, kept[0])
            kept[0] = kept[0] or frame
            twisted[0] = found != frame
            return found

        parts.plane.tap = tap
        job.terminal(0)
        await until(lambda: bool(parts.manager.excluded))
        assert said in next(iter(parts.manager.excluded.values()))


async def test_servers_learn_pseudonyms_and_no_tickets(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Json] = []
    plain = LocalFunction.serve

    async def serve(self: LocalFunction, pipe: Pipe, context: Any) -> None:  # noqa: ANN401 - gRPC's
        seen.append(dict(context.invocation_metadata()))
        await plain(self, pipe, context)

    monkeypatch.setattr(LocalFunction, "serve", serve)
    async with a_job() as job:
        parts = Parts(job, {"a": "fc1"}, each=2, k=2, rounds=1)
        for index in range(2):
            job.terminal(index)
        await job.ended()
        tickets = set(parts.manager._epoch.tickets.values())  # noqa: SLF001
    told = str(seen)
    assert len(seen) == 2
    assert not any(ticket in told for ticket in tickets)
    assert "t-0" not in told
