"""Pending services of one tick, decided together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aif.api.aiservice import AIService
from aif.domain.policy import Policy
from aif.scheduling.cycle import select
from aif.scheduling.node_table import NodeTable
from aif.scheduling.selection import Selection


@dataclass(frozen=True, slots=True)
class Batch:
    """What was decided for several services together.

    Attributes:
        selections: The decision per uid, in the order in which they were taken.
    """

    selections: Mapping[str, Selection]


def decide(services: Sequence[AIService], table: NodeTable, policy: Policy, priorities: Mapping[str, int]) -> Batch:
    """Return the decisions for ``services``, none of which counts on what another one takes.

    Args:
        services: Services without a place.
        table: The nodes; what ``services`` hold must not be counted.
        policy: What the administrator configured.
        priorities: Value of each PriorityClass; a service that names none, or an unknown one, has that of ``""`` or 0.
    """
    selections = {}
    for service in services:
        selection = select(service, table, policy)
        table = table.holding(choice.claim for choice in selection.choices)
        selections[service.metadata.uid] = selection
    return Batch(selections)
