"""What a campaign is made of, drawn from a seed: nodes, services, and which nodes are lost when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from network import GPU, a_compute_node, a_service, a_workload, accelerated, within

from cluster.nodes import SimulatedNode

Json = dict[str, Any]

NAMESPACES: Final = ("team-a", "team-b", "team-c")
TIERS: Final = ("RAN", "Edge", "Core", "Cloud")
ROUND_TRIP: Final = {"RAN": 800, "Edge": 6_000, "Core": 15_000, "Cloud": 40_000}
AMPLE: Final = (0, 2, 4, 8)
SCARCE: Final = (0, 1, 2, 4)
"""Accelerators of a node: with these, every third service that wants one has to wait."""

_WITH_ACCELERATOR, _WITH_LATENCY, _SILENT = 0.4, 0.5, 0.5
"""Shares of the services, and of the losses."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the campaign with the ComputeNode that speaks for it."""

    name: str
    tier: str
    gpus: int

    @property
    def node(self) -> SimulatedNode:
        """The Node to simulate."""
        return SimulatedNode(self.name, resources={GPU: str(self.gpus)} if self.gpus else {})

    @property
    def compute_node(self) -> Json:
        """The ComputeNode to apply."""
        return a_compute_node(self.name, tier=self.tier, gpus=self.gpus, round_trip=ROUND_TRIP[self.tier])


class Loss(StrEnum):
    """How a node is lost."""

    SILENCE = "silence"
    DELETION = "deletion"


@dataclass(frozen=True, slots=True)
class Fault:
    """A node that is lost some seconds after the campaign began, and comes back."""

    place: Place
    loss: Loss
    at_s: float
    back_s: float


def places(count: int, seed: int, gpus: Sequence[int]) -> list[Place]:
    """Return that many nodes, spread over the tiers, each with one of `gpus` as the number of its accelerators."""
    rng = np.random.default_rng([seed, 1])
    return [Place(f"node-{number:03}", TIERS[number % len(TIERS)], int(rng.choice(gpus))) for number in range(count)]


def services(count: int, seed: int) -> list[tuple[str, Json]]:
    """Return that many AIServices, each with its namespace, in random order."""
    rng = np.random.default_rng([seed, 2])
    drawn = [(str(rng.choice(NAMESPACES)), _service(number, rng)) for number in range(count)]
    return [drawn[at] for at in rng.permutation(count)]


def _service(number: int, rng: np.random.Generator) -> Json:
    """Return a service with an accelerator, or with some cores, and perhaps with a latency demand or more replicas."""
    name = f"service-{number:04}"
    demand = within(int(rng.choice([30, 60, 200]))) if rng.random() < _WITH_LATENCY else {}
    replicas = int(rng.choice([1, 1, 1, 2, 3]))
    if rng.random() < _WITH_ACCELERATOR:
        return a_service(name, variants=accelerated(), workload=a_workload(replicas=1), **demand)
    resources = {"cpu": int(rng.integers(1, 5)), "memory": f"{int(rng.integers(1, 9))}Gi"}
    return a_service(name, workload=a_workload(replicas=replicas, resources=resources))


def faults(among: Sequence[Place], count: int, over_s: float, away_s: float, seed: int) -> list[Fault]:
    """Return that many losses over a time; each node is lost at most once, and is away for at least `away_s`."""
    rng = np.random.default_rng([seed, 3])
    chosen = [among[at] for at in rng.permutation(len(among))[:count]]
    moments = sorted(rng.uniform(0.1 * over_s, over_s, count))
    return [
        Fault(place, Loss.SILENCE if rng.random() < _SILENT else Loss.DELETION, at, at + away_s * rng.uniform(1.0, 1.5))
        for place, at in zip(chosen, moments, strict=True)
    ]
