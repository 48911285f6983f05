"""How long a lost Node is waited for, for losses that come in several goes, as Kubernetes tells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.api.base import Tier
from aif.domain.cluster import Node
from aif.reconcile.loss import partition, patience
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable
from tests.builders import NOON, a_compute_node, a_node

TIERS = (Tier.RAN, Tier.EDGE, Tier.CORE, Tier.CLOUD)
SITES = [(f"{tier.value.lower()}-{number}", tier) for tier in TIERS for number in range(10)]


def a_table(nodes: Sequence[Node], tiers: Sequence[Tier]) -> NodeTable:
    """Return a table of these Nodes, each in its tier."""
    rows = [
        a_compute_node(node.name.removeprefix("worker-"), tier=tier) for node, tier in zip(nodes, tiers, strict=True)
    ]
    return NodeTable.build(rows, {node.name: node for node in nodes}, (), Ledger(), NOON)


def a_tier(size: int, *lost: float, tier: Tier = Tier.RAN) -> NodeTable:
    """Return a tier of which some Nodes were lost so many seconds ago; all others have been ready for long."""
    ages = [*lost, *[None] * (size - len(lost))]
    return a_table([_node(f"{tier.value.lower()}-{place}", age) for place, age in enumerate(ages)], [tier] * size)


def _node(name: str, lost: float | None) -> Node:
    since = NOON - timedelta(seconds=86_400 if lost is None else lost)
    return a_node(f"worker-{name}", ready="True" if lost is None else "Unknown", ready_since=since)


CALM = a_table([_node(name, None) for name, _ in SITES], [tier for _, tier in SITES])


@pytest.mark.parametrize(
    ("size", "lost", "waits"),
    [
        pytest.param(10, (1.0,), True, id="alone, within the grace"),
        pytest.param(10, (5.5,), True, id="alone, by a time that was cut to a whole second"),
        pytest.param(10, (6.0,), False, id="alone, after it"),
        pytest.param(10, (6.0, 2.0), True, id="another one was lost a moment ago"),
        pytest.param(10, (12.0, 9.0), True, id="others may follow in the next goes"),
        pytest.param(10, (14.0, 10.0), False, id="no other followed"),
        pytest.param(10, (6.0, 600.0), False, id="the other one was lost long ago"),
        pytest.param(4, (20.0, 14.0), True, id="half as many as in a partition"),
        pytest.param(4, (20.0, 15.0), False, id="no other followed those"),
        pytest.param(10, (60.0, 2.0), False, id="one after the other for long"),
    ],
)
def test_a_lost_node_is_waited_for_while_others_may_follow(size: int, lost: tuple[float, ...], *, waits: bool) -> None:
    assert (patience(a_tier(size, *lost), Tier.RAN, lost[0]) > 0.0) is waits


def test_a_loss_in_another_tier_is_part_of_the_same() -> None:
    nodes = [_node("a", 7.0), _node("b", 3.0), *(_node(name, None) for name in ("c", "d", "e", "f", "g", "h"))]
    table = a_table(nodes, [Tier.RAN, Tier.EDGE, *[Tier.RAN] * 3, *[Tier.EDGE] * 3])
    assert patience(table, Tier.RAN, 7.0) == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("size", "lost", "parted"),
    [
        pytest.param(10, 5, False, id="half"),
        pytest.param(10, 6, True, id="three fifths"),
        pytest.param(3, 2, True, id="two of three"),
        pytest.param(2, 2, False, id="too few to tell"),
    ],
)
def test_more_than_55_percent_of_at_least_three_nodes_is_a_partition(size: int, lost: int, *, parted: bool) -> None:
    assert bool(partition(a_tier(size, *[60.0] * lost), Tier.RAN)) is parted


@given(
    share=st.floats(0.6, 1.0),
    silence=st.floats(4.0, 15.0),
    period=st.floats(5.0, 8.0),
    lag=st.floats(0.0, 3.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_partition_that_is_told_bit_by_bit_moves_nobody(
    share: float, silence: float, period: float, lag: float, seed: int
) -> None:
    told = _told(share, silence, period, lag, np.random.default_rng(seed))
    first = float(np.min(told))
    # Which of several goes a node alone in the first one belongs to, nobody can know.
    if np.count_nonzero(told < first + period / 2) < 2:
        return
    for moment in np.arange(np.ceil(first), np.max(told[np.isfinite(told)]) + 90.0, 0.5):
        table = _at(told, float(moment))
        for row in np.flatnonzero(table.lost):
            tier = SITES[row][1]
            assert partition(table, tier) or patience(table, tier, table.ready_seconds[row]) > 0.0


def _told(share: float, silence: float, period: float, lag: float, random: np.random.Generator) -> np.ndarray:
    """Return when each node is told to be lost; infinite for those that are not.

    Nodes fall silent within ``silence`` seconds, as their last reports do; Kubernetes looks every ``period`` seconds,
    and takes up to ``lag`` seconds to tell what it finds.
    """
    told = np.full(len(SITES), np.inf)
    for tier in TIERS:
        rows = [row for row, (_, of) in enumerate(SITES) if of is tier]
        cut = random.permutation(rows)[: ceil(share * len(rows))]
        told[cut] = np.ceil(random.uniform(0.0, silence, len(cut)) / period) * period + random.uniform(0, lag, len(cut))
    return told


def _at(told: np.ndarray, moment: float) -> NodeTable:
    """Return the table as of ``moment``, in which the time of a loss is cut to a whole second."""
    lost = told <= moment
    since = np.where(lost, moment - np.floor(np.where(lost, told, 0.0)), 86_400.0)
    return replace(CALM, lost=lost, ready_seconds=since)


@pytest.mark.parametrize(
    ("created", "parted"),
    [
        pytest.param(15.0, False, id="nodes that just joined"),
        pytest.param(86_400.0, True, id="nodes that are back"),
        pytest.param(30.0, True, id="young nodes that are back"),
        pytest.param(None, True, id="nodes of an unknown age"),
    ],
)
def test_a_pool_that_joins_is_no_partition(created: float | None, parted: bool) -> None:  # noqa: FBT001
    fresh = [
        replace(
            a_node(f"worker-ran-{place}", ready_since=NOON - timedelta(seconds=10)),
            created=None if created is None else NOON - timedelta(seconds=created),
        )
        for place in range(4)
    ]
    assert bool(partition(a_table(fresh, [Tier.RAN] * 4), Tier.RAN)) == parted
