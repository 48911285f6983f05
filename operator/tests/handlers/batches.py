"""Services that gather, and a decision about them that remembers what it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aif.api.aiservice import AIService
from aif.domain.policy import Policy
from aif.scheduling.batch import Batch, decide
from aif.scheduling.node_table import NodeTable
from tests.builders import a_compute_node, a_node, an_aiservice
from tests.handlers.scenes import Inside, a_key


def a_world(*names: str, rows: int = 1) -> Inside:
    """Return a replica that sees ``rows`` radio sites of one accelerator each, and services of these names."""
    computes = [a_compute_node(f"gnb-{7 + row}") for row in range(rows)]
    inside = Inside.of(*computes, nodes=[a_node(f"worker-gnb-{7 + row}") for row in range(rows)])
    for name in names:
        inside.see(an_aiservice(name))
    return inside


def service_of(inside: Inside, name: str) -> AIService:
    service = inside.world.services.get(("default", name))
    assert isinstance(service, AIService)
    return service


def gathered(inside: Inside, *names: str) -> None:
    for name in names:
        inside.controller.batcher.add(a_key(name))


def value(inside: Inside, name: str, **labels: str) -> float:
    return inside.metrics.registry.get_sample_value(name, labels) or 0.0


class Watched:
    """A `decide` that remembers what it was asked, and fails for services of a name."""

    def __init__(self, poison: str = "") -> None:
        self.poison = poison
        self.asked: list[list[str]] = []

    def __call__(
        self,
        services: Sequence[AIService],
        table: NodeTable,
        policy: Policy,
        priorities: Mapping[str, int],
        **options: Any,
    ) -> Batch:
        """Return the decision of the real one."""
        names = [service.metadata.name for service in services]
        self.asked.append(names)
        if self.poison in names:
            raise ZeroDivisionError(self.poison)
        return decide(services, table, policy, priorities, **options)
