"""The server as a process: it answers, counts, refuses with the field, and ends without failing anyone."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from aif.contract.profiles import Signal
from aif.gateways.prometheus.profiles import load
from tests.aif_runtime.serving import PICTURE, Server, ask, environment, running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for all tests that do not end it."""
    with running(watts_per_core=10, repeat=2) as started:
        yield started


def test_the_same_picture_gets_the_same_answer_in_both_forms(server: Server) -> None:
    short = server.ask("POST", "/v1/infer", {"input": PICTURE})
    tensor = {"name": "picture", "datatype": "FP32", "shape": [1, 1, 8, 8], "data": PICTURE}
    long = server.ask("POST", "/v2/models/plates/infer", {"id": "7", "inputs": [tensor]})
    assert (short.status, long.status) == (200, 200)
    assert long.json["id"] == "7"
    assert long.json["outputs"][0]["shape"] == [1, 10]
    assert long.json["outputs"][0]["data"] == short.json["output"][0]


def test_several_pictures_are_answered_at_once(server: Server) -> None:
    outputs = server.ask("POST", "/v1/infer", {"input": [PICTURE, [0.0] * 64]}).json["output"]
    assert [len(each) for each in outputs] == [10, 10]
    assert outputs[1] == [0.0] * 10


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        pytest.param("/v1/infer", {}, 400, "input", id="no input"),
        pytest.param("/v1/infer", {"input": [1, 2]}, 400, "input", id="too few numbers"),
        pytest.param("/v1/infer", {"input": "x"}, 400, "input", id="no numbers"),
        pytest.param("/v1/infer", {"input": [float("1e999")] * 64}, 400, None, id="not finite"),
        pytest.param("/v1/infer", b"{", 400, None, id="no JSON"),
        pytest.param("/v1/infer", [1], 400, None, id="no object"),
        pytest.param("/v1/infer", b" " * (8 * 2**20 + 1), 400, None, id="too large"),
        pytest.param("/v2/models/plates/infer", {}, 400, "inputs", id="no tensor"),
        pytest.param("/v2/models/plates/infer", {"inputs": [{"name": "x"}]}, 400, "inputs[0].name", id="name"),
        pytest.param(
            "/v2/models/plates/infer",
            {"inputs": [{"name": "picture", "datatype": "FP32", "shape": [1, 64], "data": PICTURE}]},
            400,
            "inputs[0].shape",
            id="shape",
        ),
        pytest.param("/v2/models/cats/infer", {}, 404, None, id="another model"),
        pytest.param("/v1/stream?chunks=0", None, 400, "chunks", id="no chunks"),
        pytest.param("/v1/stream?chunks=1.5", None, 400, "chunks", id="half a chunk"),
        pytest.param("/v1/stream?interval=-1", None, 400, "interval", id="a negative pause"),
        pytest.param("/v1/nothing", None, 404, None, id="no such path"),
    ],
)
def test_a_bad_request_is_refused_in_json_with_its_field(
    server: Server, path: str, body: object, status: int, field: str | None
) -> None:
    answer = server.ask("GET" if body is None else "POST", path, body)
    assert answer.status == status
    assert answer.json.get("field") == field
    assert answer.json["error"]


def test_a_stream_sends_all_its_chunks_and_says_so(server: Server) -> None:
    answer = server.ask("GET", "/v1/stream?chunks=3&interval=0")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.body.count(b"event: chunk") == 3
    assert b'"reason":"Complete"' in answer.body


def test_health_and_models_are_told(server: Server) -> None:
    for path in ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready", "/v2/models/plates/ready"):
        assert server.ask("GET", path).status == 200, path
    told = server.ask("GET", "/v2/models/plates").json
    assert told["inputs"] == [{"name": "picture", "datatype": "FP32", "shape": [-1, 1, 8, 8]}]


def test_every_request_is_counted_with_its_time_cost_and_energy(server: Server) -> None:
    before = server.series()
    server.ask("POST", "/v1/infer", {"input": PICTURE})
    server.ask("POST", "/v1/infer", {})
    server.ask("GET", "/v1/stream?chunks=1&interval=0")
    after = server.series()
    grown = {name: after[name] - before[name] for name in after}
    assert grown["aif_request_seconds_count"] == 2, "a stream is none of these"
    assert grown["aif_first_chunk_seconds_count"] == grown["aif_stream_seconds_count"] == 1
    assert grown["aif_compute_seconds_count"] == 2, "the request, and the chunk of the stream"
    assert grown["aif_requests_rejected_total"] == 1
    assert grown["aif_request_failures_total"] == 0
    assert grown["aif_operations_total"] == 2 * 2 * 903_808, "two runs for the request, two for the chunk"
    assert grown["aif_received_bytes_total"] > 64
    assert grown['aif_joules_total{estimated="true"}'] > 0


def test_the_server_exposes_each_series_that_the_metric_profile_of_its_name_asks_for(server: Server) -> None:
    names = {name.partition("{")[0] for name in server.series()}
    queries = load()["aif-runtime"].queries
    asked = {
        Signal.REQUEST_SECONDS: {"aif_request_seconds_bucket"},
        Signal.REQUESTS: {"aif_request_seconds_count"},
        Signal.SUCCESS_SHARE: {"aif_request_failures_total", "aif_request_seconds_count"},
        Signal.JOULES_PER_REQUEST: {"aif_joules_total", "aif_request_seconds_count"},
        Signal.COMPUTE_SECONDS: {"aif_compute_seconds_sum", "aif_compute_seconds_count"},
    }
    for signal, series in asked.items():
        assert all(name in queries[signal] for name in series), signal
        assert series <= names, signal


def test_more_requests_than_may_wait_are_told_to_come_again() -> None:
    with running(repeat=300, queue=0) as busy, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: busy.ask("POST", "/v1/infer", {"input": PICTURE}), range(8)))
        refused = [answer for answer in answers if answer.status == 503]
        assert {answer.status for answer in answers} == {200, 503}
        assert all(answer.headers["retry-after"] == "1" for answer in refused)
        assert busy.series()["aif_request_failures_total"] == len(refused)


def test_a_server_that_ends_is_unready_at_once_and_answers_on_with_connection_close() -> None:
    with running(drain_seconds=3, grace_seconds=10) as ending, closing(ending.connect()) as kept:
        assert "connection" not in ask(kept, "POST", "/v1/infer", {"input": PICTURE}).headers
        ending.tell_to_end()
        while ending.ask("GET", "/readyz").status == 200:
            time.sleep(0.01)
        last = ask(kept, "POST", "/v1/infer", {"input": PICTURE})
        assert (last.status, last.headers["connection"]) == (200, "close")
        assert ending.ask("POST", "/v1/infer", {"input": PICTURE}).status == 200, "new connections are served too"
        assert ending.series()["aif_draining"] == 1
        assert ending.ended() == 0


def test_requests_all_through_the_drain_are_answered() -> None:
    with running(drain_seconds=2, grace_seconds=10, repeat=20) as ending, ThreadPoolExecutor(4) as pool:
        stop = threading.Event()

        def send() -> list[int]:
            found = []
            while not stop.is_set():
                found.append(ending.ask("POST", "/v1/infer", {"input": PICTURE}).status)
            return found

        clients = [pool.submit(send) for _ in range(4)]
        time.sleep(0.3)
        ending.tell_to_end()
        time.sleep(1.2)
        stop.set()
        answers = [status for client in clients for status in client.result()]
        assert set(answers) == {200}
        assert ending.ended() == 0


def test_a_stream_within_the_grace_is_finished_and_a_longer_one_is_ended_in_good_order() -> None:
    with running(drain_seconds=0.5, grace_seconds=4) as ending, ThreadPoolExecutor(2) as pool:
        short = pool.submit(ending.ask, "GET", "/v1/stream?chunks=11&interval=0.15")
        long = pool.submit(ending.ask, "GET", "/v1/stream?chunks=200&interval=0.15")
        while ending.series()["aif_streams"] < 2:
            time.sleep(0.02)
        ending.tell_to_end()
        assert b'"reason":"Complete"' in short.result().body
        assert b'"reason":"ServerEnds"' in long.result().body
        assert long.result().body.count(b"event: chunk") < 200
        assert ending.ended() == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"port": "x"}, "AIF_SERVER_PORT='x'", id="no number"),
        pytest.param({"repeat": 0}, "AIF_SERVER_REPEAT='0'", id="too small"),
        pytest.param({"drain_seconds": 30}, "AIF_SERVER_GRACE_SECONDS", id="no time after the drain"),
        pytest.param({"model": "/nowhere.onnx"}, "AIF_SERVER_MODEL=/nowhere.onnx", id="no model"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(settings: dict[str, object], said: str) -> None:
    command = [sys.executable, "-m", "aif_runtime.roles.server"]
    done = subprocess.run(command, env=environment(**settings), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
