"""Decisions per second: the scheduling cycle beside kube-scheduler's default scoring and a bare NumPy loop.

Usage: ``python benchmarks/bench_decisions.py [--nodes N] [--decisions N] [--rounds N] [--output table|json]``

All contestants place services one after the other on the same nodes; each counts on what those before it took. They
take turns round by round in one process, and start each round from empty nodes.

* ``select``: what the operator does for one service: table updated, every node scored, evidence made, claim held.
* ``batch``: all services of a round decided together, evidence included.
* ``kube, sampled``: NodeResourcesFit, LeastAllocated and NodeResourcesBalancedAllocation with weight 1 each, over as
  many feasible nodes as ``percentageOfNodesToScore: 0`` looks for; ``kube, all``: the same over every node.
* ``bare loop``: roofline latency, five limits and eight criteria as NumPy expressions without any structure.
* ``bare blocks``: the same for 32 services at a time, nothing held: a bound for any NumPy program.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from aif.api.aiservice import AIService
from aif.api.base import Tier
from aif.api.computenode import ComputeNode
from aif.domain.cluster import Node
from aif.domain.policy import Policy
from aif.scheduling.batch import decide
from aif.scheduling.cycle import select
from aif.scheduling.fleet import Fleet
from aif.scheduling.ledger import Ledger

Floats = NDArray[np.float32]
GIB: Final = float(2**30)
NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
EVERYWHERE: Final = Policy(ladder=(frozenset(Tier),))
SEED: Final = 7
BLOCK: Final = 32
TIERS: Final = tuple(str(tier) for tier in Tier)
CAPACITY: Final = {"cpu": 64.0, "memory": 512 * GIB, "pods": 110.0, "nvidia.com/gpu": 8.0}


@dataclass(slots=True)
class Tally:
    """Figures of one contestant, a value per round."""

    rates: list[float] = field(default_factory=list)
    cpu_microseconds: list[float] = field(default_factory=list)
    placed: int = 0

    def summary(self, bare: Tally, kube: Tally) -> dict[str, float]:
        """Return medians, the spread of the rate, and ratios taken within each round."""
        return {
            "decisionsPerSecond": statistics.median(self.rates),
            "lowest": min(self.rates),
            "highest": max(self.rates),
            "cpuMicrosecondsEach": statistics.median(self.cpu_microseconds),
            "ofBareLoop": statistics.median(a / b for a, b in zip(self.rates, bare.rates, strict=True)),
            "ofKubeSampled": statistics.median(a / b for a, b in zip(self.rates, kube.rates, strict=True)),
            "placed": float(self.placed),
        }


def compute_node(number: int, draw: np.random.Generator) -> ComputeNode:
    """Return a node of eight accelerators, with a link of its own to the users."""
    flops, rtt = int(draw.integers(8, 60)), int(draw.integers(100, 30_000))
    accelerator = {
        "name": "gpu",
        "type": "nvidia.com/gpu",
        "count": 8,
        "memory": "40Gi",
        "memoryBandwidthBytesPerSecond": f"{int(draw.integers(300, 3000))}G",
        "peakFlops": [{"precision": "FP32", "flopsPerSecond": f"{flops}T"}],
        "power": {"maxWatts": int(draw.integers(70, 700))},
    }
    link = {"to": "ue", "upBitsPerSecond": "10G", "downBitsPerSecond": "10G", "rttMicroseconds": rtt}
    quality = {"jitterMicroseconds": int(draw.integers(0, 2000)), "reliabilityPpm": 999_900, "watts": 100}
    spec = {
        "tier": TIERS[number % len(TIERS)],
        "origin": "InNetwork",
        "nodeName": f"h{number}",
        "capability": {"devices": [accelerator, {"name": "cpu", "type": "cpu", "count": 64}]},
        "links": [link | quality],
        "price": {"microUnitsPerDeviceHour": int(draw.integers(10**5, 10**6))},
        "carbonGramsPerKWh": int(draw.integers(20, 800)),
    }
    return ComputeNode.model_validate({"metadata": {"name": f"n{number}", "uid": f"u{number}"}, "spec": spec})


def service(number: int, draw: np.random.Generator) -> AIService:
    """Return a service unlike any other, with a contract over latency, energy and availability."""
    cuts = [{"name": "Input", "ueFlops": 0, "dataBits": f"{int(draw.integers(100, 8000))}k"}]
    model = {"name": "m", "precision": "FP32", "flopsPerRequest": f"{int(draw.integers(1, 60))}G", "cuts": cuts}
    resources = {"cpu": int(draw.integers(1, 8)), "memory": f"{int(draw.integers(1, 32))}Gi"}
    qos = {
        "latency": {"maxP99Microseconds": int(draw.integers(20_000, 80_000)), "weight": 50},
        "energy": {"maxMillijoulesPerRequest": 8000, "enforcement": "Soft", "weight": 20},
        "availability": {"minPpm": 999_000, "weight": 30},
    }
    spec = {
        "serviceType": "Inference",
        "model": model | {"memoryTrafficBytesPerRequest": f"{int(draw.integers(100, 900))}M"},
        "load": {"requestsPerSecond": int(draw.integers(1, 40))},
        "qos": qos,
        "workload": {"image": "bench:1", "replicas": 1, "resources": resources},
        "variants": [{"name": "gpu", "accelerator": "nvidia.com/gpu", "count": int(draw.integers(1, 3))}],
    }
    named = {"name": f"s{number}", "namespace": "bench", "uid": f"s{number}"}
    return AIService.model_validate({"metadata": named, "spec": spec})


class Operator:
    """The project's own code, on nodes that a fleet keeps."""

    def __init__(self, nodes: Sequence[ComputeNode], services: Sequence[AIService]) -> None:
        self._ledger = Ledger()
        self._fleet = Fleet(self._ledger)
        self._services = services
        self._hosts = {name: Node(name, ready="True", allocatable=CAPACITY) for name in map(_host, nodes)}
        for node in nodes:
            self._fleet.update_node(_host(node), self._hosts[_host(node)])
            self._fleet.update_compute_node(node.metadata.name, node)

    def empty(self) -> None:
        """Let go of all that the last round held."""
        for claim in self._ledger.claims:
            self._ledger.release(claim.owner)

    def select(self, count: int) -> int:
        """Decide one service after the other, each node looked at for each."""
        placed = 0
        for one in self._services[:count]:
            choices = select(one, self._fleet.table(NOW), EVERYWHERE).choices
            held = self._ledger.settle(one.metadata.uid, [choice.claim for choice in choices], self._hosts, ())
            placed += bool(choices) and held is None
        return placed

    def batch(self, count: int) -> int:
        """Decide all services together."""
        decided = decide(self._services[:count], self._fleet.table(NOW), EVERYWHERE, {})
        return sum(bool(selection.choices) for selection in decided.selections.values())


def _host(node: ComputeNode) -> str:
    return node.spec.node_name or ""


class KubeScheduler:
    """Default filter and scores of kube-scheduler, as its documentation and source describe them."""

    def __init__(self, nodes: int, requests: Floats) -> None:
        self._allocatable = np.tile(np.array([64.0, 512.0, 8.0], dtype=np.float32), (nodes, 1))
        self._requests = requests
        self._wanted = max(100, int(nodes * max(5.0, 50.0 - nodes / 125.0) / 100.0))

    def place(self, count: int, *, sampled: bool) -> int:
        """Place so many pods; of feasible nodes only the first that are found are scored if ``sampled``."""
        free, start, placed, rows = self._allocatable.copy(), 0, 0, len(self._allocatable)
        for request in self._requests[:count]:
            order = np.roll(np.arange(rows), -start) if sampled else np.arange(rows)
            feasible = order[(free[order] >= request).all(axis=1)]
            if sampled:
                feasible = feasible[: self._wanted]
                start = (int(feasible[-1]) + 1) % rows if len(feasible) else start
            if len(feasible):
                left = (free[feasible] - request) / self._allocatable[feasible]
                score = 100.0 * left[:, :2].mean(axis=1) + 100.0 * (1.0 - left.std(axis=1))
                free[feasible[np.argmax(score)]] -= request
                placed += 1
        return placed


class Bare:
    """Eight criteria and five limits as expressions over arrays, nothing else."""

    def __init__(self, nodes: int, requests: Floats, draw: np.random.Generator) -> None:
        self._flops, self._traffic, self._net = (self._positive(draw, nodes, scale) for scale in (1e12, 1e11, 1.0))
        self._rtt, self._watts = self._positive(draw, nodes, 10.0), self._positive(draw, nodes, 100.0)
        self._accuracy = draw.uniform(0.6, 0.99, nodes).astype(np.float32)
        self._cores = np.full(nodes, 64.0, dtype=np.float32)
        self._memory = np.full(nodes, 512.0, dtype=np.float32)
        self._requests = requests
        self._work = self._positive(draw, len(requests), 1e9)
        self._limit = draw.uniform(20, 80, len(requests)).astype(np.float32)
        self._weights = draw.dirichlet(np.ones(8), len(requests)).astype(np.float32)

    @staticmethod
    def _positive(draw: np.random.Generator, count: int, scale: float) -> Floats:
        return (scale * draw.lognormal(0, 1, count)).astype(np.float32)

    def sequential(self, count: int) -> int:
        """Place so many services one at a time, each counting on what those before it took."""
        cores, memory, placed = self._cores.copy(), self._memory.copy(), 0
        for row in range(count):
            score = self._score(slice(row, row + 1), cores, memory)[0]
            best = int(score.argmax())
            if np.isfinite(score[best]):
                cores[best] -= self._requests[row, 0]
                memory[best] -= self._requests[row, 1]
                placed += 1
        return placed

    def blocks(self, count: int) -> int:
        """Return the best node for so many services, a block at a time, nothing held in between."""
        placed = 0
        for start in range(0, count, BLOCK):
            score = self._score(slice(start, min(count, start + BLOCK)), self._cores, self._memory)
            placed += int(np.isfinite(score[np.arange(len(score)), score.argmax(axis=1)]).sum())
        return placed

    def _score(self, rows: slice, cores: Floats, memory: Floats) -> Floats:
        work, limit, weight = self._work[rows, None], self._limit[rows, None], self._weights[rows].T[:, :, None]
        need = self._requests[rows]
        compute = np.maximum(work / self._flops, work * np.float32(0.02) / self._traffic) * np.float32(1e3)
        energy, sending = compute * self._watts, np.float32(0.5) / self._net
        latency = compute + sending + self._rtt
        score = -weight[0] * latency / limit - weight[1] * compute - weight[2] * sending - weight[3] * energy
        score += weight[4] * self._accuracy + weight[5] * (memory - need[:, 1:2])
        score += weight[6] * (cores - need[:, 0:1]) + weight[7] * self._net
        fits = (latency <= limit) & (self._accuracy >= np.float32(0.6)) & (self._net >= np.float32(0.01))
        fits &= (memory >= need[:, 1:2]) & (cores >= need[:, 0:1])
        return np.where(fits, score, np.float32(-np.inf))


def contestants(nodes: int, decisions: int) -> tuple[Operator, dict[str, Callable[[int], int]]]:
    """Return what places services, by name: each takes a number of them and returns how many found a place."""
    draw = np.random.default_rng(SEED)
    services = [service(number, draw) for number in range(decisions)]
    operator = Operator([compute_node(number, draw) for number in range(nodes)], services)
    requests = np.array(
        [[draw.integers(1, 8), draw.integers(1, 32), draw.integers(1, 3)] for _ in services], np.float32
    )
    kube, bare = KubeScheduler(nodes, requests), Bare(nodes, requests, draw)
    return operator, {
        "select": operator.select,
        "batch": operator.batch,
        "kube, sampled": partial(kube.place, sampled=True),
        "kube, all": partial(kube.place, sampled=False),
        "bare loop": bare.sequential,
        "bare blocks": bare.blocks,
    }


def measure(nodes: int, decisions: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the figures of each contestant over interleaved rounds, after one that is not counted."""
    operator, entrants = contestants(nodes, decisions)
    tallies = {name: Tally() for name in entrants}
    for number in range(rounds + 1):
        for name, place in entrants.items():
            operator.empty()
            wall, cpu = time.perf_counter(), time.process_time()
            placed = place(decisions)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if number:
                tally = tallies[name]
                tally.rates.append(decisions / wall)
                tally.cpu_microseconds.append(cpu / decisions * 1e6)
                tally.placed = placed
    bare, kube = tallies["bare loop"], tallies["kube, sampled"]
    return {name: tally.summary(bare, kube) for name, tally in tallies.items()}


def table(figures: dict[str, dict[str, float]], title: str) -> Table:
    """Return ``figures`` for people."""
    heads = ("contestant", "decisions/s", "lowest", "highest", "CPU us", "of bare loop", "of kube", "placed")
    grid = Table(*heads, title=title)
    for name, row in figures.items():
        rates = [f"{row[key]:,.0f}" for key in ("decisionsPerSecond", "lowest", "highest", "cpuMicrosecondsEach")]
        ratios = [f"{row[key]:.2f}" for key in ("ofBareLoop", "ofKubeSampled")]
        grid.add_row(name, *rates, *ratios, f"{row['placed']:.0f}")
    return grid


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, usual in (("--nodes", 5000), ("--decisions", 256), ("--rounds", 5)):
        parser.add_argument(name, type=int, default=usual)
    parser.add_argument("--output", choices=["table", "json"], default="table")
    asked = parser.parse_args()
    figures = measure(asked.nodes, asked.decisions, asked.rounds)
    if asked.output == "json":
        print(json.dumps({**vars(asked), "contestants": figures}, indent=2))
    else:
        title = f"{asked.nodes} nodes, {asked.decisions} services a round, median of {asked.rounds} rounds"
        Console(width=110).print(table(figures, title))


if __name__ == "__main__":
    main()
