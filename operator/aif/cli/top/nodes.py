"""What the compute nodes have, what is claimed of it and what is free, resource by resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from aif.api.aiservice import AIService
from aif.api.computenode import CPU, ComputeNode
from aif.cli.figures import ABSENT, binary
from aif.cli.output import grid, share_bar
from aif.cli.simulation.decisions import Network
from aif.domain.policy import Policy
from aif.domain.registry import accepted
from aif.errors import InvalidInput
from aif.planning.demands import EPHEMERAL_STORAGE, MEMORY
from aif.reconcile.holding import held
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable
from aif.scheduling.usage import Usage, usage_by_node

Json = dict[str, Any]

NAME: Final = "name"
TIER: Final = "tier"
SERVICES: Final = "services"

_BYTES: Final = (MEMORY, EPHEMERAL_STORAGE)
_FIRST: Final = (CPU, MEMORY)
_TIERS: Final = ("Device", "RAN", "Edge", "Core", "Cloud")


def claims_of(network: Network, services: Iterable[AIService], policy: Policy) -> Ledger:
    """Return a ledger of what the placed ``services`` were promised, as the operator counts it when it starts."""
    table = NodeTable.build(accepted(network.compute_nodes), network.nodes, network.pods, Ledger())
    ledger = Ledger()
    for service in services:
        for claim in held(service, table, policy):
            ledger.restore(claim)
    return ledger


def report(network: Network, services: Iterable[AIService], ledger: Ledger, sort_by: str) -> Json:
    """Return all compute nodes with their resources.

    Raises:
        InvalidInput: Nothing is called ``sort_by``.
    """
    usages = usage_by_node(network.pods)
    placed = [place.node for service in services for place in service.status.placements]
    rows = [_node(node, network, usages, ledger, placed.count(node.metadata.name)) for node in network.compute_nodes]
    return {"nodes": _sorted(rows, sort_by)}


def _node(node: ComputeNode, network: Network, usages: Mapping[str, Usage], ledger: Ledger, services: int) -> Json:
    behind = network.nodes.get(node.spec.node_name or "")
    capacity = {} if behind is None else behind.allocatable
    free = {} if behind is None else ledger.free(behind, usages.get(behind.name, Usage()))
    names = sorted(capacity, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    rate = ledger.held(node.metadata.name).flops_per_second
    return {
        "name": node.metadata.name,
        "tier": node.spec.tier.value,
        "node": node.spec.node_name,
        "joined": behind is not None,
        "services": services,
        "claimedFlopsPerSecond": round(rate),
        "resources": [_resource(name, capacity[name], free[name]) for name in names if isfinite(capacity[name])],
    }


def _resource(name: str, capacity: float, free: float) -> Json:
    claimed = capacity - free
    return {
        "name": name,
        "capacity": _tidy(capacity),
        "claimed": _tidy(claimed),
        "free": _tidy(free),
        "share": round(claimed / capacity, 4) if capacity else None,
    }


def _tidy(amount: float) -> float:
    """Return ``amount`` without what binary fractions leave behind, as an integer where it is one."""
    rounded = round(amount, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def _sorted(rows: Sequence[Json], by: str) -> list[Json]:
    resources = {resource["name"] for row in rows for resource in row["resources"]}
    named = {name for name in resources if by in (name, name.rpartition("/")[2])}
    tiers = sorted(rows, key=lambda row: (_TIERS.index(row["tier"]), row["name"]))
    if by == TIER:
        return tiers
    if by == NAME:
        return sorted(rows, key=lambda row: str(row["name"]))
    if by == SERVICES:
        return sorted(tiers, key=lambda row: -int(row["services"]))
    if not named:
        known = ", ".join([NAME, TIER, SERVICES, *sorted(resources)])
        raise InvalidInput(f"--sort-by: nothing is called {by}; known are {known}")
    return sorted(tiers, key=lambda row: -_share(row, named))


def _share(row: Json, names: Iterable[str]) -> float:
    """Return the largest claimed share of the resources ``names``; less than none where the node has none of them."""
    return max((each["share"] or 0.0 for each in row["resources"] if each["name"] in names), default=-1.0)


def view(structure: Json, screen: Console) -> RenderableType:
    """Return a table with a line per resource; what a pod alone is not counted by is left to programs."""
    table = grid("NODE", "TIER", "SERVICES", "RESOURCE", "CAPACITY", "CLAIMED", "FREE", "SHARE")
    for node in structure["nodes"]:
        shown = [each for each in node["resources"] if each["name"] in _FIRST or "/" in each["name"]]
        head = [Text(node["name"], style="bold"), node["tier"], str(node["services"])]
        if not shown:
            table.add_row(*head, ABSENT, ABSENT, ABSENT, ABSENT, Text("not joined", style="yellow"))
        for place, each in enumerate(shown):
            table.add_row(*(head if place == 0 else ["", "", ""]), *_cells(each), share_bar(each["share"], screen))
    return table if structure["nodes"] else Group(Text("There is no ComputeNode: label a Node, or apply one."))


def _cells(resource: Json) -> list[str]:
    reads = binary if resource["name"] in _BYTES else "{:g}".format
    amounts = (resource["capacity"], resource["claimed"], resource["free"])
    return [resource["name"].rpartition("/")[2], *(_signed(amount, reads) for amount in amounts)]


def _signed(amount: float, reads: Any) -> str:  # noqa: ANN401 - a bound method of a text, or a function
    return f"-{reads(-amount)}" if amount < 0 else str(reads(amount))
