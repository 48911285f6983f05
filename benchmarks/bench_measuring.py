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
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.contract.alarms import Phase
from aif.domain.cluster import Node, Pod
from aif.domain.policy import Policy
from aif.gateways.exposition import Exposition
from aif.gateways.prometheus.profiles import load, load_resources
from aif.gateways.prometheus.source import Prometheus, Series
from aif.gateways.workqueue import WorkQueue
from aif.handlers.keys import WorkKey
from aif.handlers.measuring import Measurer
from aif.handlers.rounds import Rounds
from aif.handlers.world import World
from aif.scheduling.ledger import Claim

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
PENDING_SECONDS: Final = 50
BOUNDS: Final = ("0.005", "0.01", "0.019", "0.02", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "+Inf")
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


def a_service(number: int, *, pending: bool) -> AIService:
    """Return a placed service with a latency and an availability to keep."""
    name, node = f"service-{number:05d}", f"node-{number % 1000:04d}"
    since = (NOW - timedelta(seconds=PENDING_SECONDS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    alarm = {"verdict": "Breached", "alarm": "Pending", "alarmSince": since} if pending else {}
    return AIService.model_validate(
        {
            "metadata": {"name": name, "namespace": f"team-{number % 100}", "uid": f"uid-{number}", "generation": 1},
            "spec": {
                "serviceType": "Inference",
                "model": {
                    "name": "m",
                    "flopsPerRequest": "1G",
                    "cuts": [{"name": "Input", "ueFlops": 0, "dataBits": "1M"}],
                },
                "load": {"requestsPerSecond": 10},
                "qos": {"latency": {"maxP99Microseconds": 20_000}, "availability": {"minPpm": 990_000}},
                "workload": {"image": "i", "replicas": 1, "resources": {"cpu": 1, "memory": "1Gi"}},
                "variants": [{"name": "cpu"}],
            },
            "status": {
                "placements": [
                    {
                        "node": node,
                        "nodeName": node,
                        "tier": "Edge",
                        "variant": "cpu",
                        "replicas": 1,
                        "score": 50,
                        "copy": f"copy-{number}",
                        "predictedNetworkMicroseconds": 1000,
                    }
                ],
                "qos": [{"dimension": "latency", "target": 20_000, **alarm}],
            },
        }
    )


def a_node(number: int) -> ComputeNode:
    """Return a ComputeNode with 64 cores."""
    name = f"node-{number:04d}"
    cpu = {
        "name": "cpu",
        "type": "cpu",
        "count": 64,
        "memoryBandwidthBytesPerSecond": "200G",
        "peakFlops": [{"precision": "FP32", "flopsPerSecond": "4T"}],
        "power": {"idleWatts": 50, "maxWatts": 200},
    }
    spec = {"tier": "Edge", "origin": "InNetwork", "nodeName": name, "capability": {"devices": [cpu]}}
    return ComputeNode.model_validate({"metadata": {"name": name, "uid": name, "generation": 1}, "spec": spec})


class Answers:
    """Answers every query about all services, pods or nodes at once, from memory."""

    def __init__(self, services: Sequence[AIService], nodes: Sequence[ComputeNode], seconds: float) -> None:
        metas = [service.metadata for service in services]
        copies = [service.status.placements[0].copy_id for service in services]
        self._who = [{"namespace": m.namespace, "aiservice": m.name} for m in metas]
        self._copies = [{**who, "copy": copy} for who, copy in zip(self._who, copies, strict=True)]
        self._pods = [{"namespace": m.namespace, "pod": f"{m.name}-0"} for m in metas]
        self._nodes = [{"node": node.metadata.name} for node in nodes]
        self._seconds = seconds
        self._known: dict[str, tuple[Series, ...]] = {}

    async def query(self, expression: str, at: float) -> Sequence[Series]:
        """Return a row for each of those that the query groups by; an answer is made once."""
        await asyncio.sleep(0)
        if expression not in self._known:
            self._known[expression] = tuple(self._rows(expression, at))
        return self._known[expression]

    def _rows(self, expression: str, at: float) -> list[Series]:
        if "(namespace, aiservice, le) (aif" in expression and "histogram_quantile" not in expression:
            return [Series({**who, "le": bound}, 1.0) for who in self._who for bound in BOUNDS]
        labels = self._pods if "(namespace, pod)" in expression else self._nodes
        if "aiservice, copy" in expression:
            labels = self._copies
        elif "aiservice" in expression:
            labels = self._who
        value = at - 5.0 if "timestamp(" in expression else self._value(expression)
        return [Series(each, value) for each in labels]

    def _value(self, expression: str) -> float:
        if "histogram_quantile" in expression:
            return self._seconds
        if expression.startswith("1 - "):
            return 0.999
        return 1000.0 if expression.startswith("sum by (namespace, aiservice) (increase(aif_request_seconds_c") else 0.5


def a_world(services: Sequence[AIService], nodes: Sequence[ComputeNode]) -> World:
    """Return a world that sees all of them, with a pod and a claim each."""
    world = World(Policy(), asyncio.get_running_loop().time)
    for node in nodes:
        name = node.metadata.name
        world.nodes.put(("", name), Node(name, ready="True", allocatable={"cpu": 64.0, "memory": 2.0**38}))
        world.compute_nodes.put(("", name), node)
    for service in services:
        meta, place = service.metadata, service.status.placements[0]
        world.services.put((meta.namespace, meta.name), service)
        pod = Pod(meta.namespace, f"{meta.name}-0", f"pod-{meta.uid}", place.node_name, service=meta.name)
        world.pods.put((pod.namespace, pod.name), pod)
        world.ledger.restore(Claim(meta.uid, meta.namespace, meta.name, place.node, place.node_name, {"cpu": 1.0}))
    return world


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
