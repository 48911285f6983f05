"""How long a lost Node is waited for: a partition moves nobody, and how much is lost is known only in the end."""

from __future__ import annotations

import numpy as np

from aif.api.base import Tier
from aif.domain.cluster import Node
from aif.planning.arrays import BoolArray
from aif.scheduling.node_table import NodeTable

GRACE_SECONDS = 5.0
"""A Node that is back within this time was never lost."""

ROUNDING_SECONDS = 1.0
"""Times of conditions are cut to whole seconds, so a loss may be younger than it seems by as much."""

SETTLING_SECONDS = 10.0
"""The same for a Node that was not lost alone: so long after the last loss it is waited whether others follow.

Kubernetes looks for silent kubelets every 5 s, so that those of one moment are told in several goes.
"""

HALF_PARTED_SECONDS = 15.0
"""The same where a tier has lost half as much as in a partition: kubelets report every 10 s, so few nodes tell late."""

SPREADING_SECONDS = 60.0
"""How long the grace may last while ever more Nodes are lost."""

RETURNING_SECONDS = 60.0
"""How long a Node that is back counts as lost: a partition also ends bit by bit."""

JOINING_SECONDS = 10.0
"""A Node that is ready so soon after it was created has joined; it is not one that is back."""

PARTITION_SHARE = 0.55
PARTITION_NODES = 3
"""Where more than this share of a tier of at least so many nodes is gone at once, the network is, and not the nodes."""


def partition(table: NodeTable, tier: Tier) -> str:
    """Return why the network is taken for parted at ``tier``; empty where it is not."""
    gone, total = _share(table, tier)
    if total < PARTITION_NODES or gone <= PARTITION_SHARE * total:
        return ""
    return f"{gone} of {total} nodes of tier {tier} are gone at once: a partition, so nobody moves"


def patience(table: NodeTable, tier: Tier, seconds: float) -> float:
    """Return how many seconds a Node of ``tier`` that was lost ``seconds`` ago is waited for yet; 0 where no longer.

    Losses of any tier count: what parts a site takes nodes of several.
    """
    alone = GRACE_SECONDS + ROUNDING_SECONDS - seconds
    lost = table.ready_seconds[table.joined & table.lost]
    recent = lost[lost < SPREADING_SECONDS]
    if len(recent) < 2:  # noqa: PLR2004 - it and another one
        return max(0.0, alone)
    gone, total = _share(table, tier)
    settling = HALF_PARTED_SECONDS if 2 * gone > PARTITION_SHARE * total else SETTLING_SECONDS
    return max(0.0, alone, min(SPREADING_SECONDS - seconds, settling - float(np.min(recent))))


def _share(table: NodeTable, tier: Tier) -> tuple[int, int]:
    """Return how many Nodes of ``tier`` are lost, or were a moment ago, and how many there are."""
    joined: BoolArray = table.of_tiers({tier}) & table.joined
    recent = np.flatnonzero(joined & ~table.lost & (table.ready_seconds < RETURNING_SECONDS))
    back = sum(_is_back(table.hosts[row]) for row in recent)
    return int(np.count_nonzero(joined & table.lost)) + back, int(np.count_nonzero(joined))


def _is_back(node: Node | None) -> bool:
    """Tell whether a Node that became ready a moment ago had been lost, and did not just join."""
    if node is None or node.created is None or node.ready_since is None:
        return node is not None
    return (node.ready_since - node.created).total_seconds() > JOINING_SECONDS
