"""The load generator: requests are due whatever came back, and each failure is counted with its kind."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from documents import ROOT
from load import running
from load.plan import Arrivals, Client, Lane, Plan, due, lanes
from load.running import Course
from load.tally import Failure, Latencies

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"
WRONG = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


def a_stream(reason: bytes) -> bytes:
    body = b'event: chunk\ndata: {}\n\nevent: end\ndata: {"chunks":1,"reason":"' + reason + b'"}\n\n'
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@contextmanager
def answering(answer: bytes | None) -> Iterator[tuple[str, list[int]]]:
    """Serve this answer to every request, or none at all where it is None; the address, and requests per connection."""
    server, counts = socket.create_server(("127.0.0.1", 0)), list[int]()

    def talk(connection: socket.socket) -> None:
        number = len(counts)
        counts.append(0)
        with connection:
            while head := connection.recv(65536):
                counts[number] += head.count(b"HTTP/1.1\r\n")
                if answer is not None:
                    connection.sendall(answer)
                if answer in (HALF, LAST):
                    return

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", counts
    finally:
        server.close()


def sent(url: str, client: Client, **changes: Any) -> Course:
    """Send twenty requests a second for half a second."""
    course = Course(Plan((Lane(client, url, 20.0),), 0.5, **{"timeout": 0.5, **changes}))
    asyncio.run(course.run())
    return course


@pytest.mark.parametrize(
    ("answer", "client", "failure"),
    [
        pytest.param(OK, Client.NEW, None, id="an answer"),
        pytest.param(OK, Client.KEEPALIVE, None, id="an answer in a pool"),
        pytest.param(LAST, Client.KEEPALIVE, None, id="an answer, and the connection ends"),
        pytest.param(BUSY, Client.NEW, Failure.SERVER_ERROR, id="503"),
        pytest.param(WRONG, Client.NEW, Failure.CLIENT_ERROR, id="404"),
        pytest.param(HALF, Client.NEW, Failure.TRUNCATED, id="half an answer"),
        pytest.param(None, Client.NEW, Failure.TIMEOUT, id="no answer"),
        pytest.param(b"nonsense\r\n\r\n", Client.NEW, Failure.OTHER, id="no HTTP"),
        pytest.param(a_stream(b"Complete"), Client.STREAM, None, id="a stream"),
        pytest.param(OK, Client.STREAM, Failure.TRUNCATED, id="a stream without its last event"),
    ],
)
def test_each_request_is_counted_with_how_it_ended(
    answer: bytes | None, client: Client, failure: Failure | None
) -> None:
    with answering(answer) as (url, _):
        course = sent(url, client)
    tally = course.tallies[client]
    assert tally.sent == 10
    assert tally.succeeded + tally.failed == 10
    assert dict(tally.failures) == ({failure: 10} if failure else {})
    assert [record["failure"] for record in course.records] == [failure] * tally.failed
    assert tally.latencies.buckets.total() == tally.succeeded


def test_a_refused_connection_and_a_broken_one_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert dict(sent(f"http://127.0.0.1:{port}", Client.NEW).tallies[Client.NEW].failures) == {Failure.REFUSED: 10}
    with answering(b"") as (url, _):
        assert Failure.TIMEOUT in sent(url, Client.NEW).tallies[Client.NEW].failures


def test_a_stream_that_the_server_ended_in_good_order_is_cut_and_not_failed() -> None:
    with answering(a_stream(b"ServerEnds")) as (url, _):
        tally = sent(url, Client.STREAM).tallies[Client.STREAM]
    assert (tally.sent, tally.cut, tally.failed, tally.succeeded) == (10, 10, 0, 0)


@pytest.mark.parametrize(
    ("client", "holds"),
    [
        pytest.param(Client.NEW, lambda counts: counts == [1] * 10, id="new"),
        pytest.param(Client.KEEPALIVE, lambda counts: sum(counts) == 10 and len(counts) <= 3, id="keepalive"),
    ],
)
def test_a_kind_of_clients_opens_as_many_connections_as_it_says(
    client: Client, holds: Callable[[list[int]], bool]
) -> None:
    with answering(OK) as (url, counts):
        sent(url, client, pool=3)
    assert holds(counts), counts


def test_requests_are_sent_when_they_are_due_whatever_comes_back() -> None:
    with answering(None) as (url, counts):
        course = sent(url, Client.NEW, timeout=5.0, most_open=6)
    tally = course.tallies[Client.NEW]
    assert tally.sent == 10
    assert tally.failures == {Failure.TIMEOUT: 6, Failure.NOT_SENT: 4}, "six were open, the others count as failed"
    assert len(counts) == 6


def test_even_arrivals_are_a_period_apart_and_random_ones_as_many_on_average() -> None:
    even = list(due(Lane(Client.NEW, "", 10.0), 0.5, 2.0))
    assert even == pytest.approx([0.05 + 0.1 * number for number in range(20)])
    drawn = list(islice(due(Lane(Client.NEW, "", 10.0), 0.0, None, Arrivals.POISSON), 2000))
    gaps = [later - earlier for earlier, later in pairwise(drawn)]
    assert sum(gaps) / len(gaps) == pytest.approx(0.1, rel=0.1)
    assert sum(gap > 0.1 for gap in gaps) / len(gaps) == pytest.approx(0.37, abs=0.05), "as of an exponential law"
    assert drawn[:9] == list(islice(due(Lane(Client.NEW, "", 10.0), 0.0, None, Arrivals.POISSON), 9)), "the same again"


def test_a_rate_is_shared_by_addresses_and_kinds_of_clients() -> None:
    shared = lanes(["http://a", "http://b"], [Client.NEW, Client.KEEPALIVE, Client.STREAM], 100.0, 4.0)
    assert [(lane.client, lane.rate) for lane in shared] == [
        (Client.NEW, 25),
        (Client.KEEPALIVE, 25),
        (Client.STREAM, 2),
    ] * 2
    assert lanes(["http://a"], [Client.STREAM], 100.0, 0.0) == ()


def test_percentiles_are_within_two_per_cent() -> None:
    latencies = Latencies()
    assert latencies.told() == {}
    for number in range(1, 1001):
        latencies.add(number / 1000)
    for percent in (50, 90, 99):
        assert latencies.percentile(percent) == pytest.approx(percent / 100, rel=0.021)
    assert latencies.told()["max"] == 1000.0


def test_the_program_ends_with_one_where_a_request_failed_and_records_it(tmp_path: Path) -> None:
    with answering(BUSY) as (url, _):
        options = ["--url", url, "--rate", "20", "--seconds", "0.5", "--clients", "new", "-o", "json"]
        done = program(*options, "--failures", str(tmp_path / "failures.jsonl"))
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["sent"], told["failed"], told["clients"]["new"]["failures"]) == (10, 10, {"serverError": 10})
    records = [json.loads(line) for line in (tmp_path / "failures.jsonl").read_text().splitlines()]
    assert {(record["client"], record["failure"], record["detail"]) for record in records} == {
        ("new", "serverError", "503: {}")
    }


def test_the_program_prints_a_table_and_refuses_clients_that_there_are_not() -> None:
    with answering(OK) as (url, _):
        done = program("--url", url, "--rate", "20", "--seconds", "0.5", "--clients", "keepalive")
    assert done.returncode == 0
    assert "10 requests" in done.stdout
    wrong = program("--url", "http://x", "--clients", "old")
    assert wrong.returncode == 2
    assert "new, keepalive, stream" in wrong.stderr


def program(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the generator as a user does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "e2e"), "PYTHONSAFEPATH": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "load", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_what_is_told_of_a_course_counts_all_kinds() -> None:
    with answering(OK) as (url, _):
        course = Course(Plan(lanes([url], [Client.NEW, Client.KEEPALIVE], 40.0, 0.0), 0.5))
        asyncio.run(course.run())
    told = running.told(course)
    assert told["sent"] == 20
    assert set(told["clients"]) == {"new", "keepalive"}
    assert len(list(running.rows(course))) == 2
