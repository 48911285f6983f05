"""What measuring costs: a look at contracts, resources and usage of thousands of services, and taking over alarms.

Usage: ``python benchmarks/bench_measuring.py [--services N] [--nodes N] [--rounds N] [--output table|json]``

Answers come from a source in memory; what it takes to read one from HTTP is measured apart, against a server in a
process of its own that gives an answer of that size. Beside the times stands how late the event loop, on which the
Lease is renewed, ran a timer of 10 ms at the worst.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.contract.alarms import Phase
from aif.gateways.exposition import Exposition
from aif.gateways.prometheus.profiles import load, load_resources
from aif.gateways.prometheus.source import Prometheus
from aif.gateways.workqueue import WorkQueue
from aif.handlers.keys import WorkKey
from aif.handlers.measuring import Measurer
from aif.handlers.rounds import Rounds

sys.path.append(str(Path(__file__).parent))

from crowd import NOW, PENDING_SECONDS, Answers, a_node, a_service, a_world

TICK: Final = 0.010


@dataclass(slots=True)
class Cost:
    """What some work cost, a value per round.

    Attributes:
        cpu: Seconds of CPU time.
        wall: Seconds that it took.
        late: Seconds that the event loop was late at the worst.
    """

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    def row(self) -> dict[str, float]:
        """Return medians in milliseconds, and the worst lateness."""
        return {
            "cpu_ms": round(statistics.median(self.cpu) * 1e3, 1),
            "wall_ms": round(statistics.median(self.wall) * 1e3, 1),
            "loop_late_ms": round(max(self.late) * 1e3, 1),
        }


async def measured(cost: Cost, work: Callable[[], Awaitable[object]]) -> None:
    """Do ``work`` beside a timer, and add what it cost."""
    worst, stop = 0.0, asyncio.Event()

    async def timer() -> None:
        nonlocal worst
        while not stop.is_set():
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            worst = max(worst, time.perf_counter() - due)

    watching = asyncio.create_task(timer())
    await asyncio.sleep(2 * TICK)
    cpu, wall = time.process_time(), time.perf_counter()
    await work()
    cost.cpu.append(time.process_time() - cpu)
    cost.wall.append(time.perf_counter() - wall)
    stop.set()
    await watching
    cost.late.append(worst)


def a_measurer(services: Sequence[AIService], source: Answers, metrics: Exposition) -> tuple[Measurer, list[str]]:
    """Return who judges contracts, and the list of services that it wakes."""
    woken: list[str] = []
    return Measurer(source, load(), lambda: services, lambda meta: woken.append(meta.uid), metrics, lambda: NOW), woken


async def contracts(services: Sequence[AIService], rounds: int) -> Cost:
    """Return what a look at all contracts costs."""
    measurer, _ = a_measurer(services, Answers(services, (), 0.010), Exposition())
    await measurer.tick()
    cost = Cost()
    for _ in range(rounds):
        await measured(cost, measurer.tick)
    return cost


async def rest(services: Sequence[AIService], nodes: Sequence[ComputeNode], rounds: int) -> Cost:
    """Return what a look at resources, calibration and usage costs."""
    world = a_world(services, nodes)
    source = Answers(services, nodes, 0.010)
    looks = Rounds(world, WorkQueue[WorkKey](), source, load(), load_resources(), Exposition(), lambda: NOW)
    await looks.tick(0.0)
    cost = Cost()
    for number in range(rounds):
        await measured(cost, lambda number=number: looks.tick(15.0 * (number + 1)))  # type: ignore[misc]
    return cost


async def taking_over(services: Sequence[AIService], rounds: int) -> tuple[Cost, int]:
    """Return what a successor's first look costs, all alarms pending, and how many it raises by their old timers."""
    cost, raised = Cost(), 0
    for _ in range(rounds):
        measurer, _ = a_measurer(services, Answers(services, (), 0.040), Exposition())
        measurer._now = lambda: NOW + timedelta(seconds=60 - PENDING_SECONDS)  # noqa: SLF001 - its clock
        await measured(cost, measurer.tick)
        raised = sum(each.phase is Phase.RAISED for known in measurer.judged.values() for each in known)
    return cost, raised


def serve(pipe: Connection, rows: int) -> None:
    """Answer every request with a vector of so many rows, until killed."""
    result = [
        {"metric": {"namespace": f"team-{n % 100}", "aiservice": f"service-{n:05d}"}, "value": [1.9e9, "0.0123456789"]}
        for n in range(rows)
    ]
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing of each request."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    pipe.send((server.server_address[1], len(body)))
    server.serve_forever()


async def reading(rows: int, rounds: int) -> tuple[Cost, int]:
    """Return what it costs to read an answer of so many rows from HTTP, and its size in bytes."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, rows), daemon=True)
    server.start()
    try:
        port, size = await asyncio.to_thread(ours.recv)
        source = Prometheus(f"http://127.0.0.1:{port}", Exposition())
        cost = Cost()
        for _ in range(rounds):
            await measured(cost, lambda: source.query("up", 1.9e9))
        source.close()
        return cost, size
    finally:
        server.kill()
        server.join()


def resident() -> float:
    """Return the largest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def run(services: int, nodes: int, rounds: int) -> dict[str, Any]:
    """Return all figures."""
    everyone = [a_service(number, pending=False) for number in range(services)]
    hosts = [a_node(number) for number in range(min(nodes, 10_000))]
    gc.collect()
    gc.freeze()  # as the operator does once its caches are full
    before = resident()
    figures: dict[str, Any] = {"contracts": (await contracts(everyone, rounds)).row()}
    figures["contracts"]["memory_mib"] = round(resident() - before, 1)
    before = resident()
    figures["resources, calibration and usage"] = (await rest(everyone, hosts, rounds)).row()
    figures["resources, calibration and usage"]["memory_mib"] = round(resident() - before, 1)
    pending = [a_service(number, pending=True) for number in range(services)]
    gc.freeze()
    cost, raised = await taking_over(pending, rounds)
    figures["taking over, alarms pending"] = {**cost.row(), "raised": raised}
    cost, size = await reading(services, rounds)
    figures["reading one answer"] = {**cost.row(), "mebibytes": round(size / 2**20, 2)}
    return figures


def show(figures: dict[str, Any], services: int, nodes: int) -> None:
    """Print the figures as a table."""
    table = Table(title=f"{services} services with two promises each, {nodes} nodes; medians, lateness at the worst")
    for column in ("work", "CPU ms", "wall ms", "event loop late ms", "besides"):
        table.add_column(column, justify="left" if column in ("work", "besides") else "right")
    for name, row in figures.items():
        more = ", ".join(f"{key} {value}" for key, value in row.items() if not key.endswith("_ms"))
        table.add_row(name, *(str(row[key]) for key in ("cpu_ms", "wall_ms", "loop_late_ms")), more)
    Console(width=120).print(table)


def main() -> None:
    """Print what measuring costs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--services", type=int, default=10_000, help="services")
    parser.add_argument("--nodes", type=int, default=1_000, help="ComputeNodes")
    parser.add_argument("--rounds", type=int, default=7, help="rounds, of which the median is told")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    asked = parser.parse_args()
    figures = asyncio.run(run(asked.services, asked.nodes, asked.rounds))
    if asked.output == "json":
        print(json.dumps(figures, indent=2))
    else:
        show(figures, asked.services, asked.nodes)


if __name__ == "__main__":
    main()
