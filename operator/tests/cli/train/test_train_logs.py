"""`aif train logs` puts the lines of all roles into one row by their time."""

from __future__ import annotations

import asyncio
import json

import pytest

from aif.cli.train import logs
from aif.cli.train.logs import Line, shown
from tests.cli.conftest import Aif, call
from tests.cli.train.learning import PODS, a_pod, a_told, put, put_pods
from tests.fake_api import FakeApi

ROUND = {"level": "INFO", "logger": "rounds", "message": "Finished a round", "round": 3, "loss": 0.337465}
AGGREGATOR = f"2030-01-01T10:00:02.5Z {json.dumps(ROUND)}\n".encode()
CLIENT = b"2030-01-01T10:00:01.5Z plain words\n2030-01-01T10:00:03.5Z more words\n"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often."""
    monkeypatch.setattr(logs, "LOOK_SECONDS", 0.01)


@pytest.fixture
def learning(fake: FakeApi) -> FakeApi:
    """Add a job with two pods, each with a log."""
    put(fake)
    put_pods(fake, a_pod("aggregator"), a_pod("client", 0))
    fake.fail(path="/aggregator-x/log", times=99, status=200, body=AGGREGATOR)
    fake.fail(path="/client-0-x/log", times=99, status=200, body=CLIENT)
    return fake


async def test_lines_of_all_roles_stand_in_the_order_of_their_time(
    aif: Aif, learning: FakeApi, kubeconfig: str
) -> None:
    done = await call(aif, "train", "logs", "digits", "--kubeconfig", kubeconfig)
    assert done.status == 0, done.err
    assert done.out.splitlines() == [
        "client-0   | plain words",
        "aggregator | 10:00:02 Finished a round  round=3 loss=0.3375",
        "client-0   | more words",
    ]
    assert {sent.params["tailLines"] for sent in learning.sent("GET", "/log")} == {"50"}


async def test_programs_get_each_line_as_it_was_written(aif: Aif, learning: FakeApi, kubeconfig: str) -> None:
    del learning
    words = ("train", "logs", "digits", "--role", "aggregator", "--kubeconfig", kubeconfig, "-o", "json")
    (line,) = json.loads((await call(aif, *words)).out)["lines"]
    assert json.loads(line.pop("text")) == ROUND
    assert line == {
        "time": "2030-01-01T10:00:02.5Z",
        "role": "aggregator",
        "name": "aggregator",
        "pod": "aggregator-x",
    }


async def test_all_lines_can_be_asked_for(aif: Aif, learning: FakeApi, kubeconfig: str) -> None:
    await call(aif, "train", "logs", "digits", "--tail", "-1", "--kubeconfig", kubeconfig)
    assert all("tailLines" not in sent.params for sent in learning.sent("GET", "/log"))


async def test_an_unknown_role_is_told_with_those_that_are_known(aif: Aif, learning: FakeApi, kubeconfig: str) -> None:
    del learning
    done = await call(aif, "train", "logs", "digits", "--role", "moon", "--kubeconfig", kubeconfig)
    assert done.err == "error: --role: digits has no pod of the role moon; there are: aggregator, client\n"


async def test_a_pod_without_a_log_hides_no_other(aif: Aif, learning: FakeApi, kubeconfig: str) -> None:
    put_pods(learning, a_pod("evaluator", phase="Pending"))
    refusal = {"kind": "Status", "message": 'container "role" is waiting to start: ContainerCreating'}
    learning.fail(path="/evaluator-x/log", status=400, body=json.dumps(refusal).encode())
    done = await call(aif, "train", "logs", "digits", "--kubeconfig", kubeconfig)
    assert len(done.out.splitlines()) == 3
    assert "note: evaluator-x:" in done.err
    assert "is waiting to start" in done.err


async def test_pods_that_have_said_nothing_are_told(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    put(fake)
    put_pods(fake, a_pod("aggregator"))
    fake.fail(path="/aggregator-x/log", status=200, body=b"")
    done = await call(aif, "train", "logs", "digits", "--kubeconfig", kubeconfig)
    assert done.err == "note: the pods of digits have said nothing yet\n"


async def test_a_job_without_pods_says_where_to_look(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    put(fake)
    done = await call(aif, "train", "logs", "digits", "--kubeconfig", kubeconfig)
    assert done.err == "error: digits has no pods: `aif train status digits` says why\n"


async def test_without_the_right_it_says_which_one_to_ask_for(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    put(fake)
    fake.fail(path=PODS, status=403)
    done = await call(aif, "train", "logs", "digits", "--kubeconfig", kubeconfig)
    assert "have the verbs get and list on pods and pods/log granted to you" in done.err


async def test_following_ends_with_the_job_and_takes_new_pods_along(
    aif: Aif, learning: FakeApi, kubeconfig: str
) -> None:
    running = asyncio.create_task(call(aif, "train", "logs", "digits", "--follow", "--kubeconfig", kubeconfig))
    async with asyncio.timeout(30):
        while len(learning.sent("GET", "/log")) < 2:  # noqa: ASYNC110 - nothing to wait for
            await asyncio.sleep(0.01)
        learning.fail(path="/client-1-x/log", status=0)
        learning.fail(path="/client-1-x/log", times=99, status=200, body=b"2030-01-01T10:00:09Z late\n")
        put_pods(learning, a_pod("client", 1))
        while len(learning.sent("GET", "/client-1-x/log")) < 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        put(learning, conditions=[a_told("Complete", "True", "TargetReached")])
        done = await running
    assert done.status == 0, done.err
    assert sorted(done.out.splitlines()) == [
        "aggregator | 10:00:02 Finished a round  round=3 loss=0.3375",
        "client-0   | more words",
        "client-0   | plain words",
        "client-1   | late",
    ]


def test_following_prints_lines_and_no_structure(aif: Aif) -> None:
    done = aif("train", "logs", "digits", "--follow", "-o", "json")
    assert done.status == 2
    assert "leave out --output" in done.err


def test_a_fault_is_shown_with_where_it_happened() -> None:
    event = {"level": "ERROR", "message": "Ended", "exception": "Traceback: no"}
    text = shown(Line("2030-01-01T10:00:02Z", "client", "client-0", "p", json.dumps(event)), 8)
    assert text.plain == "client-0 | 10:00:02 Ended\nTraceback: no"


@pytest.mark.parametrize("text", ["[1, 2]", '{"no": "message"}', "{", ""])
def test_a_line_that_is_no_event_is_shown_as_it_is(text: str) -> None:
    assert shown(Line("t", "client", "client-0", "p", text), 8).plain == f"client-0 | {text}"
