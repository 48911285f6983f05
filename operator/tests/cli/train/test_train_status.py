"""`aif train status` tells how far a job is: from files, from a cluster, from its pod, and until its end."""

from __future__ import annotations

import asyncio
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from aif.cli.train import commands
from aif.cli.train.pods import Seen
from aif.cli.train.report import over, report
from aif.cli.train.view import line, span, view
from tests.cli.conftest import Aif, call
from tests.cli.train.learning import PAGE, PATH, PODS, SAMPLE, a_job, a_page, a_pod, a_told, put, put_pods
from tests.fake_api import FakeApi

GOLDEN = Path(__file__).parents[1] / "golden"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
COMPLETE = a_told("Complete", "True", "RoundsReached", "20 rounds are done")
FAILED = a_told("Failed", "True", "DeadlineExceeded", "not done after 3600 s")


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often."""
    monkeypatch.setattr(commands, "LOOK_SECONDS", 0.01)


def told(**more: Any) -> dict[str, Any]:
    return report(Seen(a_job(**more), NOON))


def printed(structure: dict[str, Any], *, terminal: bool = False) -> str:
    stream = io.StringIO()
    screen = Console(file=stream, width=140, force_terminal=terminal, color_system="standard" if terminal else None)
    screen.print(view(structure, screen))
    return stream.getvalue()


def test_the_sample_is_told_as_it_was_reviewed(aif: Aif) -> None:
    """Write it anew by ``aif train status digits -f docs/samples/trainingjob-status.yaml -o json``."""
    golden = json.loads((GOLDEN / "train-status.json").read_text(encoding="utf-8"))
    assert json.loads(aif("train", "status", "digits", "-f", str(SAMPLE), "-o", "json").out) == golden


def test_yaml_holds_the_same_as_json(aif: Aif) -> None:
    words = ("train", "status", "digits", "-f", str(SAMPLE), "-o")
    assert yaml.safe_load(aif(*words, "yaml").out) == json.loads(aif(*words, "json").out)


def test_a_table_tells_rounds_accuracy_clients_places_and_what_is_amiss(aif: Aif) -> None:
    out = aif("train", "status", "digits", "-f", str(SAMPLE)).out
    assert out.startswith("digits (Federated): Training\nround 14 of 20, about 1 s left\n")
    assert "best 95.54 % in round 13, target 98.00 %" in out
    assert re.search(r"^client +2/3 +1 +phone-1 \(Device, x2\), phone-2 \(Device\)", out, re.MULTILINE)
    assert "client-2  -     -    Lost   its process was killed" in out
    assert "Degraded, ClientLost: Pods that are not there: client 2 of 3" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(("terminal", "coloured"), [(True, True), (False, False)])
def test_a_bar_and_colours_are_for_terminals(*, terminal: bool, coloured: bool) -> None:
    out = printed(told(), terminal=terminal)
    assert ("\x1b[" in out) is coloured
    assert ("━" in out) is coloured


def test_a_job_that_nobody_has_looked_at_is_pending() -> None:
    fresh = a_job().model_copy(update={"status": type(a_job().status)()})
    structure = report(Seen(fresh, NOON))
    assert (structure["state"], structure["round"], structure["rounds"]) == ("Pending", 0, 20)
    assert printed(structure).startswith("digits (Federated): Pending\nround 0 of 20\n")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param(
            {"plan": {"reason": "spec.autonomy", "token": "t1", "waitsFor": ["Place"]}},
            "Approve it: aif approve tj/digits -n video --token t1",
            id="it waits for approval",
        ),
        pytest.param(
            {"summary": {"state": "Suspended"}},
            'Take it up again: kubectl patch tj digits -n video --type merge -p \'{"spec":{"suspend":false}}\'',
            id="suspended",
        ),
        pytest.param(
            {"conditions": [FAILED]},
            "Look why: aif train logs digits -n video; a spec stands fast: delete digits, mend it, create it anew",
            id="failed",
        ),
        pytest.param({"summary": {"state": "Paused"}}, "Look why: aif train logs digits -n video", id="paused"),
    ],
)
def test_the_last_line_says_what_to_do(status: dict[str, Any], said: str) -> None:
    assert printed(told(**status)).splitlines()[-1] == said


def test_a_finished_job_names_its_model_and_no_time_that_remains() -> None:
    result = {"claimName": "models", "path": "digits/digits.safetensors", "digest": "c7bd", "round": 17}
    out = printed(told(conditions=[COMPLETE], result={**result, "accuracyBasisPoints": 9638}))
    assert "left" not in out
    assert "result of round 17: digits/digits.safetensors on claim models, accuracy 96.38 %" in out
    assert "Complete, RoundsReached: 20 rounds are done" in out


def test_one_cause_in_several_conditions_is_told_once() -> None:
    cause = ("False", "CapacityReserved", "2 nodes of 3 are full")
    out = printed(told(conditions=[a_told(kind, *cause) for kind in ("Ready", "Placed", "QuorumReady")]))
    assert out.count("2 nodes of 3 are full") == 1
    assert "not Placed, CapacityReserved" in out


def test_refusals_say_what_the_nearest_node_lacks() -> None:
    refusal = {"reason": "MemoryInfeasible", "variant": "cpu", "count": 2, "nearest": "phone-1"}
    refusal |= {"required": "1Gi", "available": "512Mi"}
    out = printed(told(rejected=[refusal], placements=[], roles=[]))
    assert "2 nodes refused: MemoryInfeasible; nearest is phone-1: needs 1Gi, has 512Mi" in out


def test_groups_show_where_their_model_is_parted() -> None:
    role = {"name": "local-a", "pods": 1, "ready": 1, "failed": 0, "cut": "fc2", "clients": 3}
    assert re.search(r"local-a +1/1 .* fc2 +3", printed(told(roles=[role])))


def test_of_many_clients_those_stand_first_that_do_not_simply_learn() -> None:
    rows = [{"name": f"client-{at}", "pod": "p", "node": "n", "phase": "Running", "message": ""} for at in range(40)]
    clients = [row | {"state": "Lost" if at == 39 else "Live"} for at, row in enumerate(rows)]
    out = printed(told() | {"clients": clients})
    assert "client-39" in out
    assert "client-19" not in out
    assert "and 20 more" in out


def test_a_compression_has_no_rounds_and_no_clients() -> None:
    source = {"claimName": "models", "path": "digits/digits.safetensors"}
    spec = {"mode": "Compression", "clients": None, "compression": {"source": source, "methods": ["Int8"]}}
    structure = told(spec=spec)
    assert structure["clients"] == []
    assert "round 14" not in printed(structure)
    assert line(structure).startswith("Training, accuracy")


@pytest.mark.parametrize(("seconds", "text"), [(59, "59 s"), (340, "5 min 40 s"), (7500, "2 h 5 min")])
def test_a_time_has_two_units(seconds: int, text: str) -> None:
    assert span(seconds) == text


async def test_a_job_is_read_from_a_cluster_with_a_row_per_client(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    put(fake)
    killed = {"containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled"}}}]}
    put_pods(fake, a_pod("aggregator"), a_pod("client", 0), a_pod("client", 1), a_pod("client", 2, "Failed", **killed))
    done = await call(aif, "train", "status", "digits", "--kubeconfig", kubeconfig, "-o", "json")
    assert done.status == 0, done.err
    rows = json.loads(done.out)["clients"]
    assert [(row["name"], row["state"], row["node"]) for row in rows] == [
        ("client-0", "Live", "worker-client"),
        ("client-1", "Live", "worker-client"),
        ("client-2", "Lost", "worker-client"),
    ]
    asked = [sent.params.get("labelSelector") for sent in fake.sent("GET", PODS)]
    assert asked == ["net4ai.io/job=digits"]


async def test_the_pod_itself_is_asked_through_the_api_server(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    put(fake)
    put_pods(fake, a_pod("aggregator"), a_pod("client", 0), a_pod("client", 1))
    fake.fail(path=PAGE, status=200, body=json.dumps(a_page()).encode())
    done = await call(aif, "train", "status", "digits", "--live", "--kubeconfig", kubeconfig, "-o", "json")
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert (found["source"], found["round"], found["epoch"], found["transferredBytes"]) == ("pod", 15, 2, 7_000_000)
    assert found["history"][0]["metrics"]["loss"] == pytest.approx(1.0552)
    assert [row["state"] for row in found["clients"]] == ["Live", "Excluded", "Absent"]


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        pytest.param({"status": 403}, "have the verb get on pods/proxy granted to you", id="no right"),
        pytest.param({"status": 400}, "aggregator-x did not answer", id="no address"),
        pytest.param({"status": 503}, "aggregator-x did not answer", id="no answer"),
        pytest.param({"status": 200, "body": b"<html>"}, "aggregator-x did not answer", id="no JSON"),
    ],
)
async def test_where_the_pod_cannot_be_asked_the_status_is_told(
    aif: Aif, fake: FakeApi, kubeconfig: str, answer: dict[str, Any], note: str
) -> None:
    put(fake)
    put_pods(fake, a_pod("aggregator"))
    fake.fail(path=PAGE, times=9, **answer)
    done = await call(aif, "train", "status", "digits", "--live", "--kubeconfig", kubeconfig)
    assert done.status == 0, done.err
    assert note in done.out
    assert "round 14 of 20" in done.out


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param({"round": "many", "clients": [], "history": [7, {"round": None}]}, id="other types"),
        pytest.param({"round": -1, "trafficBytes": {"sent": True}, "lost": 3, "history": "none"}, id="other values"),
    ],
)
def test_what_a_pod_tells_in_no_figures_is_left_out(garbage: dict[str, Any]) -> None:
    structure = report(Seen(a_job(), NOON, (), a_page(**garbage)))
    assert structure["round"] == 14
    assert printed(structure)


async def test_without_the_right_to_list_pods_the_rest_is_told(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    put(fake)
    fake.fail(path=PODS, status=403)
    done = await call(aif, "train", "status", "digits", "--kubeconfig", kubeconfig)
    assert "pods could not be read: have the verb list on pods granted to you" in done.out
    assert "round 14 of 20" in done.out


async def test_a_job_is_watched_until_its_end_with_a_line_for_each_change(
    aif: Aif, fake: FakeApi, kubeconfig: str
) -> None:
    put(fake)
    running = asyncio.create_task(call(aif, "train", "status", "digits", "--watch", "--kubeconfig", kubeconfig))
    async with asyncio.timeout(30):
        while len(fake.sent("GET", PATH)) < 3:  # noqa: ASYNC110 - nothing to wait for
            await asyncio.sleep(0.01)
        fake.fail(path=PATH, times=2)
        put(fake, conditions=[COMPLETE])
        done = await running
    assert done.status == 0, done.err
    first, last, *rest = done.out.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d Training, round 14/20, clients 2/3, accuracy 90.25 %, .*", first)
    assert last.split(" ", 1)[1] == "Complete, round 14/20, clients 2/3, accuracy 90.25 %"
    assert rest[0] == "digits (Federated): Complete"


async def test_a_job_that_fails_while_it_is_watched_is_an_error_for_scripts(
    aif: Aif, fake: FakeApi, kubeconfig: str
) -> None:
    put(fake, conditions=[FAILED])
    done = await call(aif, "train", "status", "digits", "-w", "--kubeconfig", kubeconfig, "-o", "json")
    assert done.status == 1
    assert json.loads(done.out)["state"] == "Failed"
    assert "Failed, round 14/20" in done.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(("-f", str(SAMPLE), "--watch"), "leave out --filename", id="watching a file"),
        pytest.param(("-f", str(SAMPLE), "--live"), "leave out --filename", id="asking a file"),
    ],
)
def test_a_file_does_not_change(aif: Aif, words: tuple[str, ...], complaint: str) -> None:
    done = aif("train", "status", "digits", *words)
    assert done.status == 2
    assert complaint in done.err


def test_an_unknown_job_is_told_with_those_that_are_known(aif: Aif) -> None:
    done = aif("train", "status", "moon", "-f", str(SAMPLE))
    assert (done.status, done.out) == (1, "")
    assert done.err == "error: no TrainingJob moon in these files; there are: digits\n"
    assert aif("train", "status", "digits", "-n", "elsewhere", "-f", str(SAMPLE)).status == 1


async def test_a_job_that_is_not_there_says_what_there_is(aif: Aif, kubeconfig: str) -> None:
    done = await call(aif, "train", "status", "moon", "--kubeconfig", kubeconfig)
    assert done.status == 1
    assert "no TrainingJob moon in namespace video: `kubectl get trainingjobs -A` lists what there is" in done.err


async def test_a_job_that_cannot_be_read_is_told_by_its_field(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    raw = {"apiVersion": "net4ai.io/v1alpha1", "kind": "TrainingJob", "metadata": {"name": "digits"}, "spec": {}}
    fake.put(PATH, raw)
    done = await call(aif, "train", "status", "digits", "--kubeconfig", kubeconfig)
    assert "TrainingJob digits in namespace video cannot be read: spec.mode" in done.err


@pytest.mark.parametrize(("conditions", "ended"), [([], False), ([COMPLETE], True), ([FAILED], True)])
def test_a_job_is_over_once_a_condition_says_so(conditions: list[dict[str, Any]], *, ended: bool) -> None:
    assert over(a_job(conditions=conditions)) is ended
