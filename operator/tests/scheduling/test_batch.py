"""Many services at once: nobody counts on what another one takes, and those who can make way do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.domain.cluster import Node, Pod
from aif.scheduling.batch import Batch, decide
from aif.scheduling.cycle import select
from aif.scheduling.ledger import Claim, Ledger
from aif.scheduling.node_table import NodeTable
from tests.builders import CPU_32, GIB, a_compute_node, a_device, a_link, a_node, a_pod, an_aiservice
from tests.scheduling.fleet import POLICY, a_claim

more = settings(max_examples=60, deadline=None)

FAST = {"latency": {"maxP99Microseconds": 12_000}}
"""A target that only sites near by keep."""


def a_service(
    name: str, gpus: int = 1, *, priority: str | None = None, namespace: str = "default", **spec: Any
) -> AIService:
    """Return a service of light load that takes so many accelerators."""
    variant = {"name": "gpu", "accelerator": "nvidia.com/gpu", "count": gpus}
    defaults = {"load": {"requestsPerSecond": 5}, "qos": {}, "variants": [variant], "priorityClassName": priority}
    return an_aiservice(name, namespace=namespace, **{**defaults, **spec})


def a_site(name: str, gpus: int = 1, rtt: int = 800) -> ComputeNode:
    """Return a node with so many accelerators."""
    return a_compute_node(
        name, tier="Edge", devices=[a_device(count=gpus), CPU_32], links=[a_link(rttMicroseconds=rtt)]
    )


def hosts(sites: Iterable[ComputeNode], **more: float) -> dict[str, Node]:
    """Return the Nodes behind ``sites``, with as many accelerators."""
    listed = [(site.spec.node_name or "", site.spec.capability.devices[0].count) for site in sites]
    room = {"cpu": 32.0, "memory": 128 * GIB, "pods": 110.0}
    return {name: a_node(name, allocatable={**room, "nvidia.com/gpu": float(gpus), **more}) for name, gpus in listed}


def a_table(sites: Sequence[ComputeNode], pods: Iterable[Pod] = (), claims: Iterable[Claim] = ()) -> NodeTable:
    """Return the table of ``sites``."""
    ledger = Ledger()
    for claim in claims:
        ledger.restore(claim)
    return NodeTable.build(sites, hosts(sites), pods, ledger)


def decided(
    services: Sequence[AIService],
    sites: Sequence[ComputeNode],
    priorities: Mapping[str, int] | None = None,
    **options: Any,
) -> Batch:
    """Return what is decided about ``services`` together."""
    claims = options.pop("claims", ())
    return decide(services, a_table(sites, claims=claims), POLICY, priorities or {}, **options)


def places(batch: Batch) -> dict[str, str]:
    """Return the node of each service that has a place."""
    return {uid.rpartition("-")[2]: s.chosen.node for uid, s in batch.selections.items() if s.chosen is not None}


def test_a_batch_of_one_is_a_single_decision() -> None:
    sites = [a_site("a"), a_site("b", rtt=3000)]
    assert decided([a_service("one")], sites).selections["uid-default-one"] == select(
        a_service("one"), a_table(sites), POLICY
    )


def test_nobody_takes_what_another_one_took() -> None:
    batch = decided([a_service("one"), a_service("two"), a_service("three")], [a_site("a"), a_site("b", rtt=3000)])
    assert sorted(places(batch).values()) == ["a", "b"]
    assert len(batch.selections) == 3, "everybody is told something"


def test_the_most_urgent_come_first() -> None:
    services = [a_service("low", priority="low"), a_service("none"), a_service("high", priority="high")]
    priorities = {"high": 1000, "low": -5, "": 0}
    assert places(decided(services, [a_site("a")], priorities)) == {"high": "a"}
    assert places(decided(services, [a_site("a"), a_site("b")], priorities)).keys() == {"high", "none"}


def test_a_service_that_names_no_known_priority_has_the_usual_one() -> None:
    services = [a_service("odd", priority="unheard-of"), a_service("low", priority="low")]
    assert places(decided(services, [a_site("a")], {"": 10, "low": 5})) == {"odd": "a"}


def test_the_choosiest_service_chooses_first() -> None:
    services = [a_service("any"), a_service("near", qos=FAST)]
    batch = decided(services, [a_site("near"), a_site("far", rtt=9000)], repair=False)
    assert places(batch) == {"near": "near", "any": "far"}


def test_of_equally_choosy_services_the_largest_comes_first() -> None:
    services = [a_service("small-1"), a_service("small-2"), a_service("large", 2)]
    assert places(decided(services, [a_site("a", 2), a_site("b", 2)]))["large"] in {"a", "b"}


def test_namespaces_take_turns() -> None:
    greedy = [a_service(f"g{number}", namespace="greedy") for number in range(5)]
    modest = [a_service("m", namespace="modest")]
    batch = decided([*greedy, *modest], [a_site("a", 2)])
    assert set(places(batch)) == {"g0", "m"}


def test_what_a_namespace_already_holds_counts() -> None:
    held = a_claim(node="b", node_name="worker-b", namespace="greedy", resources={"nvidia.com/gpu": 1.0})
    services = [a_service("g", namespace="greedy"), a_service("m", namespace="modest")]
    assert places(decided(services, [a_site("a"), a_site("b")], claims=[held])) == {"m": "a"}


def test_one_makes_way_for_another_where_it_finds_another_place() -> None:
    # `poor` comes first and takes the near node, which is the only one for `near`.
    held = a_claim(node="other", node_name="worker-other", namespace="rich", resources={"nvidia.com/gpu": 1.0})
    services = [a_service("any", namespace="poor"), a_service("near", namespace="rich", qos=FAST)]
    world = [a_site("close", rtt=100), a_site("far", rtt=9000), a_site("other")]
    greedy, repaired = (decided(services, world, repair=repair, claims=[held]) for repair in (False, True))
    assert places(greedy) == {"any": "close"}
    assert places(repaired) == {"any": "far", "near": "close"}


def test_services_that_hold_a_node_together_make_way_for_a_large_one() -> None:
    sites = [a_site("big", 2, rtt=100), *(a_site(f"small-{n}", 1, rtt=4000) for n in range(2))]
    near = {"latency": {"maxP99Microseconds": 12_000}}
    singles = [a_service(f"s{n}", qos=near) for n in range(2)]
    large = a_service("large", 2, namespace="poor")
    rich = a_claim(node="other", node_name="worker-other", namespace="poor", resources={"nvidia.com/gpu": 1.0})
    world = [*sites, a_site("other", 1)]
    greedy = decided([*singles, large], world, repair=False, claims=[rich])
    repaired = decided([*singles, large], world, claims=[rich])
    assert places(greedy).keys() == {"s0", "s1"}
    assert places(repaired).keys() == {"s0", "s1", "large"}
    assert places(repaired)["large"] == "big"


def test_nobody_is_left_without_a_place_for_one_of_the_same_priority() -> None:
    services = [a_service("one", qos=FAST), a_service("two", 2)]
    batch = decided(services, [a_site("a", 2)])
    assert len(places(batch)) == 1


def test_replicas_overflow_in_a_batch_too() -> None:
    workload = {"image": "plates:1.4", "replicas": 3, "resources": {"cpu": 1, "memory": "1Gi"}}
    batch = decided([a_service("wide", workload=workload), a_service("one")], [a_site("a", 2), a_site("b", 2)])
    assert [choice.replicas for choice in batch.selections["uid-default-wide"].choices] == [2, 1]
    assert places(batch)["one"] == "b"


# Properties: a small world in which nodes run out of cores or accelerators.

sites = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12_000)), min_size=1, max_size=5).map(
    lambda drawn: [a_site(f"n{number}", gpus or 1, rtt) for number, (gpus, rtt) in enumerate(drawn)]
)
services = st.lists(
    st.builds(
        lambda gpus, cpu, replicas, tight, priority, namespace: (gpus, cpu, replicas, tight, priority, namespace),
        gpus=st.integers(0, 3),
        cpu=st.sampled_from([1, 4, 12]),
        replicas=st.sampled_from([1, 1, 1, 2, 3]),
        tight=st.booleans(),
        priority=st.sampled_from(["", "high"]),
        namespace=st.sampled_from("ab"),
    ),
    min_size=1,
    max_size=10,
)
pods = st.lists(
    st.builds(
        lambda number, node, cpu: a_pod(f"p{number}", node=f"worker-n{node}", requests={"cpu": cpu}),
        number=st.integers(0, 99),
        node=st.integers(0, 4),
        cpu=st.sampled_from([1.0, 9.0, 20.0]),
    ),
    max_size=4,
    unique_by=lambda pod: pod.name,
)


def asked(drawn: Sequence[tuple[int, int, int, bool, str, str]], *, alike: bool = False) -> list[AIService]:
    """Return services as drawn; all of one priority and with one replica if ``alike``."""
    made = []
    for number, (gpus, cpu, replicas, tight, priority, namespace) in enumerate(drawn):
        variant = {"name": "v", "accelerator": "nvidia.com/gpu", "count": gpus} if gpus else {"name": "v"}
        workload = {"image": "x", "replicas": 1 if alike else replicas, "resources": {"cpu": cpu, "memory": "1Gi"}}
        made.append(
            a_service(
                f"s{number}",
                namespace=namespace,
                variants=[variant],
                qos=FAST if tight and gpus else {},
                workload=workload,
                priority=None if alike or not priority else priority,
            )
        )
    return made


def free_by_hand(world: Sequence[ComputeNode], bound: Iterable[Pod], batch: Batch) -> dict[tuple[str, str], float]:
    """Return what is left of each resource of each Node, counted pod by pod and replica by replica."""
    left = {(name, r): amount for name, node in hosts(world).items() for r, amount in node.allocatable.items()}
    for pod in bound:
        for resource, amount in {"pods": 1.0, **pod.requests}.items():
            if (pod.node, resource) in left:
                left[pod.node, resource] -= amount
    for selection in batch.selections.values():
        for choice in selection.choices:
            for resource, amount in choice.demand.per_replica.items():
                left[choice.node_name, resource] -= choice.replicas * amount
    return left


@more
@given(world=sites, drawn=services, bound=pods)
def test_no_batch_overbooks_a_node(
    world: list[ComputeNode], drawn: list[tuple[int, int, int, bool, str, str]], bound: list[Pod]
) -> None:
    batch = decide(asked(drawn), a_table(world, bound), POLICY, {"high": 1})
    before = free_by_hand(world, bound, Batch({}))
    for key, amount in free_by_hand(world, bound, batch).items():
        assert amount >= min(0.0, before[key]) - 1e-6, key


@more
@given(world=sites, drawn=services, bound=pods)
def test_the_ledger_takes_all_that_a_batch_decided(
    world: list[ComputeNode], drawn: list[tuple[int, int, int, bool, str, str]], bound: list[Pod]
) -> None:
    ledger = Ledger()
    for uid, selection in decide(asked(drawn), a_table(world, bound), POLICY, {"high": 1}).selections.items():
        assert ledger.settle(uid, [choice.claim for choice in selection.choices], hosts(world), bound) is None


@more
@given(world=sites, drawn=services)
def test_making_way_never_places_fewer(
    world: list[ComputeNode], drawn: list[tuple[int, int, int, bool, str, str]]
) -> None:
    greedy = decided(asked(drawn, alike=True), world, repair=False)
    repaired = decided(asked(drawn, alike=True), world, jointly=False)
    assert places(greedy).keys() <= places(repaired).keys(), "nobody loses a place either"


@more
@given(world=sites, drawn=services, data=st.data())
def test_the_order_of_arrival_does_not_matter(
    world: list[ComputeNode], drawn: list[tuple[int, int, int, bool, str, str]], data: st.DataObject
) -> None:
    arrived = asked(drawn)
    shuffled = data.draw(st.permutations(arrived))
    one, other = decided(arrived, world, {"high": 1}), decided(shuffled, world, {"high": 1})
    assert repr(one) == repr(other)


@more
@given(world=sites, drawn=services)
def test_everybody_is_told_and_adds_up(
    world: list[ComputeNode], drawn: list[tuple[int, int, int, bool, str, str]]
) -> None:
    wanted = {service.metadata.uid: service.spec.workload for service in asked(drawn)}
    batch = decided(asked(drawn), world, {"high": 1})
    assert batch.selections.keys() == wanted.keys()
    for uid, selection in batch.selections.items():
        workload = wanted[uid]
        replicas = workload.replicas if workload else 0
        assert sum(choice.replicas for choice in selection.choices) + selection.shortfall == replicas
        assert all(math.isfinite(choice.score) for choice in selection.choices)
