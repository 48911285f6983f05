"""A table that is kept up to date reads as one that is built anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.api.computenode import ComputeNode
from aif.domain.cluster import Node, Pod, Taint
from aif.domain.registry import accepted
from aif.scheduling.fleet import Fleet
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable
from tests.builders import CPU_32, NOON, a_compute_node, a_device, a_link, a_node, a_pod, an_aiservice
from tests.scheduling.fleet import a_claim

NAMES = ("a", "b", "c", "d")
HOSTS = ("h1", "h2", "h3")


@dataclass
class Twin:
    """A fleet that is told of changes, beside all that there is."""

    ledger: Ledger = field(default_factory=Ledger)
    compute_nodes: dict[str, ComputeNode] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    pods: dict[str, list[Pod]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.ledger)

    def compute_node(self, name: str, **spec: Any) -> None:
        """Have a ComputeNode of that name; without a host there is none."""
        self.compute_nodes.pop(name, None)
        if spec["nodeName"]:
            self.compute_nodes[name] = a_compute_node(name, **spec)
        self.fleet.update_compute_node(name, self.compute_nodes.get(name))

    def node(self, name: str, node: Node | None) -> None:
        """Have the Node ``name``; None takes it away."""
        self.nodes.pop(name, None)
        if node is not None:
            self.nodes[name] = node
        self.fleet.update_node(name, node)

    def bind(self, host: str, pods: list[Pod]) -> None:
        """Have these pods on ``host``."""
        self.pods[host] = pods
        self.fleet.update_pods(host, pods)

    @property
    def built(self) -> NodeTable:
        """Return the table, built anew."""
        pods = [pod for bound in self.pods.values() for pod in bound]
        return NodeTable.build(accepted(self.compute_nodes.values()), self.nodes, pods, self.ledger, NOON)


def row_of(table: NodeTable, name: str) -> dict[str, Any]:
    """Return all that ``table`` tells of one ComputeNode; columns of zeroes or unknowns are as good as none."""
    at, room = table.room.rows[name], table.room

    def cells(columns: Mapping[str, Any]) -> dict[str, float]:
        return {key: round(float(columns[key][at]), 6) for key in sorted(columns) if columns[key][at]}

    links = [table.network.links(None), table.network.links(USERS)]
    figures = (table.tiers, table.external, table.security, table.bars, table.stale, table.lost)
    more = (table.ready_seconds, table.price, table.carbon, room.up_held, room.down_held)
    return {
        "figures": [float(column[at]) for column in (*figures, *more)],
        "host": (table.node_names[at], table.hosts[at], room.hosts.get(table.node_names[at]) == at),
        "taints": cells(table.taints),
        "allocatable": cells(room.allocatable),
        "free": cells(room.free),
        "busy": cells(room.busy),
        "pods": (room.usage[at], set(map(repr, room.claims[at])), room.leaving.get(at)),
        "devices": {
            type_: [float(c[at]) for c in (d.count, d.memory, d.bandwidth, d.watts, *d.peak.values(), d.rated)]
            for type_, d in sorted(table.devices.items())
            if not np.isnan(d.count[at])
        },
        "links": [
            [float(column[at]) for column in (to.rtt, to.jitter, to.up, to.down, to.reliability)] for to in links
        ],
        "sites": [table.names[to.site[at]] if to.site[at] >= 0 else "" for to in links],
    }


USERS = an_aiservice(ue={"attachedTo": "a"}).spec.ue


def assert_same(kept: NodeTable, built: NodeTable) -> None:
    assert sorted(kept.names) == sorted(built.names)
    assert [kept.names[row] for row in np.argsort(kept.rank)] == sorted(kept.names)
    for name in built.names:
        assert repr(row_of(kept, name)) == repr(row_of(built, name))


compute_nodes = st.fixed_dictionaries(
    {
        "nodeName": st.sampled_from([*HOSTS, ""]),
        "tier": st.sampled_from(["RAN", "Edge"]),
        "devices": st.sampled_from([[CPU_32], [a_device(count=2), CPU_32], [a_device(type="amd.com/gpu")]]),
        "links": st.sampled_from([[], [a_link()], [a_link(rttMicroseconds=3)], [a_link("a")], [a_link(), a_link("b")]]),
        "price": st.sampled_from([None, {"microUnitsPerDeviceHour": 7}]),
    }
)
nodes = st.one_of(
    st.none(),
    st.builds(
        lambda host, ready, gpus, tainted: a_node(
            host,
            ready=ready,
            ready_since=NOON - timedelta(hours=gpus),
            allocatable={"cpu": 16.0} | ({"nvidia.com/gpu": float(gpus)} if gpus else {}),
            taints=(Taint("away", "", "NoSchedule"),) if tainted else (),
        ),
        host=st.just(""),
        ready=st.sampled_from(["True", "False", "Unknown"]),
        gpus=st.integers(0, 4),
        tainted=st.booleans(),
    ),
)
pods = st.lists(
    st.builds(
        lambda service, copy, cpu: a_pod(
            f"{service}-{copy}", service=service, copy=copy if service else "", requests={"cpu": cpu}
        ),
        service=st.sampled_from(["", "s1", "s2"]),
        copy=st.sampled_from("12"),
        cpu=st.sampled_from([0.5, 1.0, 2.0]),
    ),
    max_size=3,
)
claims = st.lists(
    st.builds(
        lambda node, host, copy, site, busy: a_claim(
            "",
            node=node,
            node_name=host,
            copy=copy,
            resources={"cpu": 1.0},
            up_bits_per_second=1e6,
            site=site,
            utilisation=busy,
            device="nvidia.com/gpu",
        ),
        node=st.sampled_from(NAMES),
        host=st.sampled_from(HOSTS),
        copy=st.sampled_from("12"),
        site=st.sampled_from(["", "a", "b"]),
        busy=st.sampled_from([0.0, 0.25]),
    ),
    max_size=2,
    unique_by=lambda claim: claim.key,
)
changes = st.one_of(
    st.tuples(st.just("compute node"), st.sampled_from(NAMES), compute_nodes),
    st.tuples(st.just("node"), st.sampled_from(HOSTS), nodes),
    st.tuples(st.just("pods"), st.sampled_from(HOSTS), pods),
    st.tuples(st.just("claims"), st.sampled_from(["s1", "s2"]), claims),
)


def happen(twin: Twin, what: str, name: str, value: Any) -> None:  # noqa: ANN401 - each kind of change has its own
    """Let something happen to ``twin``."""
    match what:
        case "compute node":
            twin.compute_node(name, **value)
        case "node":
            twin.node(name, value and replace(value, name=name))
        case "pods":
            twin.bind(name, [replace(pod, node=name) for pod in value])
        case _:
            twin.ledger.release(name)
            for claim in value:
                twin.ledger.restore(replace(claim, owner=name, service=name))


@settings(max_examples=150, deadline=None)
@given(made=st.lists(st.tuples(changes, st.booleans()), max_size=20))
def test_a_table_that_is_kept_reads_as_one_built_anew(made: list[tuple[tuple[str, str, Any], bool]]) -> None:
    twin = Twin()
    for name, host in zip(NAMES, HOSTS, strict=False):
        twin.compute_node(name, nodeName=host)
        twin.node(host, a_node(host))
    for change, looked_at in made:
        happen(twin, *change)
        if looked_at:
            assert_same(twin.fleet.table(NOON), twin.built)
    assert_same(twin.fleet.table(NOON), twin.built)


@pytest.fixture
def twin() -> Twin:
    """Return two nodes on their hosts."""
    twin = Twin()
    for name, host in (("a", "h1"), ("b", "h2")):
        twin.compute_node(name, nodeName=host)
        twin.node(host, a_node(host))
    return twin


def test_a_table_that_was_handed_out_stays_as_it_is(twin: Twin) -> None:
    before = twin.fleet.table(NOON)
    twin.ledger.restore(a_claim(node="a", node_name="h1"))
    twin.bind("h2", [a_pod(node="h2", requests={"cpu": 4.0})])
    twin.node("h1", a_node("h1", ready="False"))
    assert before.room.free_of("cpu").tolist() == [32.0, 32.0]
    assert not before.lost.any()
    assert twin.fleet.table(NOON).room.free_of("cpu").tolist() == [28.0, 28.0]
    assert twin.fleet.table(NOON).lost.tolist() == [True, False]


def test_what_did_not_change_is_not_counted_anew(twin: Twin) -> None:
    before = twin.fleet.table(NOON)
    assert twin.fleet.table(NOON).room is before.room
    twin.ledger.restore(a_claim(node="a", node_name="h1"))
    after = twin.fleet.table(NOON)
    assert after.devices is before.devices
    assert after.network is before.network


def test_readiness_grows_while_nothing_changes(twin: Twin) -> None:
    twin.node("h1", a_node("h1", ready_since=NOON))
    assert twin.fleet.table(NOON).ready_seconds[0] == 0.0
    assert twin.fleet.table(NOON + timedelta(minutes=1)).ready_seconds[0] == 60.0
