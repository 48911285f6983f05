"""`aif approve`, `migrate` and `abort` set annotations and nothing else, and tell what became of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from aif.cli import live
from aif.cli.asking import commands as move_commands
from aif.errors import InvalidInput
from tests.cli.conftest import Aif, Result, call, named
from tests.cli.moves.moving import FIGURES, GNB, a_move, a_moving_service, a_record, a_told
from tests.fake_api import FakeApi

PATH = "/apis/net4ai.io/v1alpha1/namespaces/video/aiservices/plates"
PLAN = {"offload": "Network", "node": "edge-2", "variant": "gpu", "token": "t1", "waitsFor": ["RiseTier"]}


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often."""
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.01)


def put(fake: FakeApi, **status: Any) -> None:
    told = a_moving_service(**status).to_dict()["status"]
    fake.put(PATH, named("AIService", {**fake.read(PATH), "status": told}))


def asked_of(fake: FakeApi) -> dict[str, str]:
    found: dict[str, str] = fake.read(PATH)["metadata"].get("annotations", {})
    return found


async def answered(
    fake: FakeApi,
    aif: Aif,
    *words: str,
    annotation: str = "net4ai.io/migrate-to",
    answer: Callable[[str], list[dict[str, Any]]],
) -> Result:
    """Run `aif`, and write one status after the other once it has asked, as an operator would."""
    running = asyncio.create_task(call(aif, *words))
    async with asyncio.timeout(30):
        while annotation not in asked_of(fake):
            assert not running.done(), running.result()
            await asyncio.sleep(0.01)
        for status in answer(asked_of(fake)[annotation]):
            put(fake, **status)
            looks = len(fake.sent("GET", PATH))
            while not running.done() and len(fake.sent("GET", PATH)) < looks + 2:  # noqa: ASYNC110 - nothing to wait for
                await asyncio.sleep(0.01)
        return await running


def a_whole_move(value: str) -> list[dict[str, Any]]:
    move = {"trigger": "Requested", "requestToken": value}
    return [
        {"migration": a_move("TargetReserved", **move), "lastHandledMigrateTo": value},
        {"migration": a_move("ContractVerified", figures=FIGURES, verifiedBy="Measurement", **move)},
        {"migrations": [a_record(trigger="Requested")]},
    ]


async def test_migrate_asks_by_an_annotation_and_shows_a_line_per_phase(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
) -> None:
    words = ("migrate", "plates", "--to", "edge-2", "--kubeconfig", kubeconfig)
    done = await answered(fake, aif, *words, answer=a_whole_move)
    assert done.status == 0, done.err
    assert re.fullmatch(r"edge-2#\d{8}T\d{6}", asked_of(fake)["net4ai.io/migrate-to"])
    head, reserved, verified, end = done.out.splitlines()
    assert head == "Move 3 from gnb-7 to edge-2, Requested"
    assert "TargetReserved: the new copy comes up" in reserved
    assert "latency 210 ms -> 14 ms" in verified
    assert end == "Completed: plates serves on edge-2, after 90 s"


async def test_only_annotations_are_written_and_under_a_name_of_its_own(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
) -> None:
    done = await call(aif, "migrate", "plates", "--no-watch", "--kubeconfig", kubeconfig)
    assert done.status == 0, done.err
    (sent,) = [sent for sent in fake.requests if sent.method != "GET"]
    assert (sent.method, sent.path, sent.params) == ("PATCH", PATH, {"fieldManager": "kubectl-aif"})
    assert sent.body.keys() == {"metadata"}
    assert sent.body["metadata"].keys() == {"uid", "annotations"}
    assert sent.body["metadata"]["annotations"].keys() == {"net4ai.io/migrate-to"}


async def test_the_end_is_a_structure_too_and_progress_stays_out_of_it(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
) -> None:
    words = ("migrate", "plates", "--kubeconfig", kubeconfig, "-o", "json")
    done = await answered(fake, aif, *words, answer=a_whole_move)
    told = json.loads(done.out)
    assert (told["result"], told["move"]["to"], told["move"]["seconds"]) == ("Completed", "edge-2", 90)
    assert [each["phase"] for each in told["phases"]] == ["TargetReserved", "ContractVerified"]
    assert "TargetReserved" in done.err


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        pytest.param(
            {"conditions": [a_told("Migrating", "False", "MigrationForbidden", "No ComputeNode moon")]},
            1,
            "Refused: plates stays where it is: No ComputeNode moon",
            id="refused",
        ),
        pytest.param(
            {"migrations": [a_record("RolledBack", trigger="Requested", reason="ContractNotVerified")]},
            1,
            "RolledBack: plates serves on gnb-7 as before, after 90 s: ContractNotVerified",
            id="taken back",
        ),
        pytest.param(
            {"plan": PLAN, "conditions": [a_told("ApprovalRequired", "True", "AwaitingApproval", "Would move")]},
            4,
            "Approve it: aif approve plates -n video",
            id="it waits for approval",
        ),
    ],
)
async def test_a_request_that_moves_nothing_says_why_and_what_to_do(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
    status: dict[str, Any],
    code: int,
    said: str,
) -> None:
    def answer(value: str) -> list[dict[str, Any]]:
        return [status if "plan" in status else {**status, "lastHandledMigrateTo": value}]

    done = await answered(fake, aif, "migrate", "plates", "--kubeconfig", kubeconfig, answer=answer)
    assert done.status == code
    assert said in done.out


async def test_an_operator_that_does_not_answer_is_not_waited_for_without_end(
    aif: Aif,
    kubeconfig: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(move_commands, "_longest", lambda _: 0.1)
    done = await call(aif, "migrate", "plates", "--kubeconfig", kubeconfig)
    assert done.status == 4
    assert "plates was asked to move" in done.out
    assert "The operator has not answered yet" in done.out


async def test_an_interrupted_watch_leaves_the_move_going_and_says_so(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = move_commands.Follower._enough  # noqa: SLF001 - as if a person pressed Ctrl-C once the move is seen

    def interrupted(self: move_commands.Follower, service: Any) -> bool:  # noqa: ANN401
        if seen(self, service) or self.pursuit.move is not None:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(move_commands.Follower, "_enough", interrupted)
    done = await answered(
        fake, aif, "migrate", "plates", "--kubeconfig", kubeconfig, answer=lambda value: a_whole_move(value)[:1]
    )
    assert done.status == 130
    assert "UnderWay: plates goes on moving by itself" in done.out
    assert "end it: aif abort plates -n video" in done.out
    assert "net4ai.io/abort" not in asked_of(fake)


async def test_an_api_server_that_is_away_for_a_moment_ends_no_watch(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
) -> None:
    def answer(value: str) -> list[dict[str, Any]]:
        fake.fail(method="GET", path="aiservices", times=3)
        return a_whole_move(value)

    done = await answered(fake, aif, "migrate", "plates", "--kubeconfig", kubeconfig, answer=answer)
    assert done.status == 0, done.err


async def test_abort_names_the_move_and_succeeds_where_it_is_taken_back(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
) -> None:
    put(fake, migration=a_move())
    words, back = ("abort", "plates", "--kubeconfig", kubeconfig), [a_record("RolledBack", reason="Aborted")]
    done = await answered(
        fake, aif, *words, annotation="net4ai.io/abort", answer=lambda _: [{"migrations": back, "placements": [GNB]}]
    )
    assert done.status == 0, done.err
    assert asked_of(fake)["net4ai.io/abort"].startswith("3#")
    assert "plates serves on gnb-7 as before, after 90 s: Aborted" in done.out


async def test_abort_that_comes_too_late_fails(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
) -> None:
    put(fake, migration=a_move())
    words = ("abort", "plates", "--kubeconfig", kubeconfig)
    answer = [{"migrations": [a_record()]}]
    done = await answered(fake, aif, *words, annotation="net4ai.io/abort", answer=lambda _: answer)
    assert done.status == 1
    assert "Completed: plates serves on edge-2" in done.out


@pytest.mark.parametrize(
    ("status", "complaint"),
    [
        pytest.param({}, "plates does not move: `aif history plates` tells of its last moves", id="it does not move"),
        pytest.param(
            {"migration": a_move("SourceDraining")}, "`aif migrate plates --to gnb-7` moves it back", id="no way back"
        ),
    ],
)
async def test_abort_without_use_is_not_asked_for(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
    status: dict[str, Any],
    complaint: str,
) -> None:
    put(fake, **status)
    done = await call(aif, "abort", "plates", "--kubeconfig", kubeconfig)
    assert done.status == 1
    assert complaint in done.err
    assert asked_of(fake) == {}


async def test_approve_sets_the_token_of_what_is_proposed(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
) -> None:
    put(fake, plan=PLAN)
    done = await call(aif, "approve", "plates", "--kubeconfig", kubeconfig)
    assert done.status == 0, done.err
    assert asked_of(fake) == {"net4ai.io/approve": "t1"}
    assert "plates may take edge-2 as variant gpu (RiseTier; net4ai.io/approve=t1)" in done.out
    told = json.loads((await call(aif, "approve", "plates", "--kubeconfig", kubeconfig, "-o", "json")).out)
    assert (told["request"], told["plan"]["node"]) == ({"net4ai.io/approve": "t1"}, "edge-2")


async def test_approve_of_something_else_than_is_proposed_is_refused(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
) -> None:
    put(fake, plan=PLAN)
    done = await call(aif, "approve", "plates", "--token", "t0", "--kubeconfig", kubeconfig)
    assert (done.status, asked_of(fake)) == (1, {})
    assert "--token: t0 is not what is proposed for plates, but t1 (edge-2 as variant gpu)" in done.err


async def test_approve_without_a_proposal_says_where_to_look(aif: Aif, kubeconfig: str) -> None:
    done = await call(aif, "approve", "plates", "--kubeconfig", kubeconfig)
    assert done.status == 1
    assert done.err == "error: plates waits for no approval: `aif explain plates` says how it stands\n"


async def test_who_may_not_change_services_is_told_which_right_is_missing(
    aif: Aif,
    fake: FakeApi,
    kubeconfig: str,
) -> None:
    message = 'aiservices.net4ai.io is forbidden: User "me" cannot patch resource "aiservices" in API group "net4ai.io"'
    fake.fail(method="PATCH", status=403, body=json.dumps({"message": message}).encode())
    done = await call(aif, "migrate", "plates", "--kubeconfig", kubeconfig)
    assert done.status == 1
    assert "have the verb patch on aiservices granted to you; the right to write its status is not needed" in done.err


async def test_a_service_that_was_made_anew_is_not_asked(fake: FakeApi, kubeconfig: str) -> None:
    seen = await asyncio.to_thread(live.service, live.Access(kubeconfig), "plates")
    fake.remove(PATH)
    fake.put(PATH, named("AIService", a_moving_service().to_dict()))
    with pytest.raises(InvalidInput, match="was deleted meanwhile, or made anew"):
        await asyncio.to_thread(live.annotate, live.Access(kubeconfig), seen, {"net4ai.io/migrate-to": "any"})
    assert asked_of(fake) == {}
