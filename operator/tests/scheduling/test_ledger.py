"""The ledger: what is promised once is not promised again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.domain.cluster import Node, Pod
from aif.scheduling.ledger import Claim, Held, Ledger, Shortfall
from aif.scheduling.usage import Usage, usage_by_node
from tests.builders import GIB, a_node, a_pod
from tests.scheduling.fleet import a_claim

NODE = a_node(allocatable={"cpu": 8.0, "memory": 16 * GIB, "nvidia.com/gpu": 1.0, "pods": 3.0})


def our_pod(name: str = "plates-0", copy: str = "1", **requests: float) -> Pod:
    """Return a bound pod of the service ``plates``."""
    return a_pod(name, service="plates", copy=copy, requests=requests)


def our_claim(cpu: float = 4.0, copy: str = "1") -> Claim:
    """Return a claim of the service ``plates`` on cores alone."""
    return a_claim("uid-plates", service="plates", copy=copy, resources={"cpu": cpu})


def claimed(ledger: Ledger, claim: Claim, node: Node = NODE, pods: Iterable[Pod] = ()) -> Shortfall | None:
    """Have ``claim`` be all that its owner holds; return what is short."""
    return ledger.settle(claim.owner, [claim], {node.name: node}, pods)


def test_what_is_free_can_be_claimed() -> None:
    ledger = Ledger()
    assert claimed(ledger, a_claim(), NODE, ()) is None
    assert ledger.claims == (a_claim(),)
    assert ledger.claims_of("uid-other") == (a_claim(),)


def test_what_is_claimed_cannot_be_claimed_again() -> None:
    ledger = Ledger()
    claimed(ledger, a_claim(), NODE, ())
    shortfall = claimed(ledger, a_claim("uid-late", resources={"nvidia.com/gpu": 1.0}), NODE, ())
    assert shortfall == Shortfall("nvidia.com/gpu", 1.0, 0.0, NODE.name)
    assert ledger.claims_of("uid-late") == ()


def test_a_refused_claim_leaves_what_its_owner_held() -> None:
    ledger = Ledger()
    claimed(ledger, our_claim(4.0), NODE, ())
    assert claimed(ledger, our_claim(9.0), NODE, ()) == Shortfall("cpu", 9.0, 8.0, NODE.name)
    assert ledger.claims_of("uid-plates") == (our_claim(4.0),)


def test_a_new_claim_replaces_the_old_one_of_its_owner() -> None:
    ledger = Ledger()
    claimed(ledger, a_claim(), NODE, ())
    elsewhere = a_claim(node="edge-1", node_name="worker-edge-1")
    assert claimed(ledger, elsewhere, a_node("worker-edge-1"), ()) is None
    assert ledger.claims == (elsewhere,)
    assert ledger.held("gnb-7") == Held()


def test_what_is_released_can_be_claimed() -> None:
    ledger = Ledger()
    claimed(ledger, a_claim(), NODE, ())
    ledger.release("uid-other")
    ledger.release("uid-nobody")
    assert ledger.claims == ()
    assert claimed(ledger, a_claim("uid-late"), NODE, ()) is None


def test_pods_of_strangers_count_too() -> None:
    stranger = a_pod("stranger", requests={"cpu": 5.0})
    assert claimed(Ledger(), our_claim(4.0), NODE, [stranger]) == Shortfall("cpu", 4.0, 3.0, NODE.name)


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(a_pod("elsewhere", node="worker-edge-1", requests={"cpu": 8.0}), id="bound elsewhere"),
        pytest.param(a_pod("unbound", node="", requests={"cpu": 8.0}), id="not bound"),
    ],
)
def test_pods_that_are_not_on_the_node_do_not_count(pod: Pod) -> None:
    assert claimed(Ledger(), our_claim(8.0), NODE, [pod]) is None


def test_a_claim_and_the_pods_that_use_it_count_once() -> None:
    ledger, pod = Ledger(), our_pod(cpu=4.0)
    claimed(ledger, our_claim(4.0), NODE, [pod])
    assert ledger.free(NODE, usage_by_node([pod])[NODE.name])["cpu"] == 4.0


@pytest.mark.parametrize(
    ("bound", "free"),
    [
        pytest.param(1.0, 4.0, id="pods use less: the claim counts"),
        pytest.param(6.0, 2.0, id="pods use more: they count"),
    ],
)
def test_per_resource_the_larger_of_claim_and_pods_counts(bound: float, free: float) -> None:
    ledger, pod = Ledger(), our_pod(cpu=bound)
    claimed(ledger, our_claim(4.0), NODE, ())
    assert ledger.free(NODE, usage_by_node([pod])[NODE.name])["cpu"] == free


def test_the_old_copy_does_not_cover_the_claim_of_the_new_one() -> None:
    ledger, old = Ledger(), our_pod(copy="1", cpu=5.0)
    assert claimed(ledger, our_claim(4.0, copy="2"), NODE, [old]) == Shortfall("cpu", 4.0, 3.0, NODE.name)


def test_a_claim_without_a_copy_is_covered_by_every_pod_of_the_service() -> None:
    ledger, pods = Ledger(), [our_pod("a", "1", cpu=2.0), our_pod("b", "2", cpu=2.0)]
    assert claimed(ledger, our_claim(4.0, copy=""), NODE, pods) is None
    assert ledger.free(NODE, usage_by_node(pods)[NODE.name])["cpu"] == 4.0


def test_a_claim_that_its_pods_cover_stands_even_where_the_node_shrank() -> None:
    shrunk = replace(NODE, allocatable={**NODE.allocatable, "cpu": 1.0})
    assert claimed(Ledger(), our_claim(4.0), shrunk, [our_pod(cpu=4.0)]) is None


def test_every_pod_takes_a_place_of_its_own() -> None:
    full = [a_pod(f"pod-{place}", requests={}) for place in range(3)]
    claim = replace(our_claim(), resources={"pods": 1.0})
    assert claimed(Ledger(), claim, NODE, full) == Shortfall("pods", 1.0, 0.0, NODE.name)


def test_a_node_that_does_not_limit_pods_takes_any_number() -> None:
    boundless = replace(NODE, allocatable={"cpu": 8.0})
    assert claimed(Ledger(), replace(our_claim(), resources={"pods": 1000.0}), boundless, ()) is None


def test_a_resource_that_the_node_does_not_list_is_not_there() -> None:
    claim = replace(our_claim(), resources={"amd.com/gpu": 1.0})
    assert claimed(Ledger(), claim, NODE, ()) == Shortfall("amd.com/gpu", 1.0, 0.0, NODE.name)


def test_sums_of_fractions_fill_a_node_exactly() -> None:
    tenth = a_node(allocatable={"cpu": 0.3})
    ledger = Ledger()
    for owner in ("a", "b", "c"):
        assert claimed(ledger, replace(our_claim(0.1), owner=owner, service=owner), tenth, ()) is None


def test_what_was_promised_before_a_restart_is_held_whatever_became_of_the_node() -> None:
    ledger = Ledger()
    ledger.restore(our_claim(99.0))
    assert ledger.claims_of("uid-plates") == (our_claim(99.0),)
    assert ledger.free(NODE, Usage())["cpu"] == 8.0 - 99.0


def test_held_sums_up_services_on_a_node() -> None:
    ledger = Ledger()
    for owner in ("a", "b"):
        claimed(ledger, a_claim(owner, resources={"cpu": 1.0}, flops_per_second=2e12), NODE, ())
    assert ledger.held("gnb-7") == Held(4e12, 2)


@dataclass
class Cluster:
    """A small cluster, in which pods follow claims as Kubernetes lets them."""

    nodes: dict[str, Node] = field(
        default_factory=lambda: {name: a_node(name, allocatable={"cpu": 8.0, "pods": 6.0}) for name in ("n1", "n2")}
    )
    pods: list[Pod] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)

    def bound(self, node: str) -> float:
        """Return the cores that pods request on ``node``."""
        return sum(pod.requests.get("cpu", 0.0) for pod in self.pods if pod.node == node)

    def promised(self, node: str) -> float:
        """Return the cores that pods and claims take, counted claim by claim."""
        total = self.bound(node)
        for claim in self.ledger.claims:
            if claim.node_name == node:
                own = [p for p in self.pods if (p.node, p.service, p.copy) == (node, claim.service, claim.copy)]
                total += max(0.0, claim.resources["cpu"] - sum(pod.requests["cpu"] for pod in own))
        return total

    def bind(self, name: str, node: str, cpu: float, service: str = "", copy: str = "") -> None:
        """Bind a pod, as the scheduler of Kubernetes would: only where its requests fit beside other pods."""
        if self.bound(node) + cpu <= 8.0:
            self.pods.append(a_pod(name, node=node, service=service, copy=copy, requests={"cpu": cpu}))


@dataclass(frozen=True)
class Step:
    """Something that happens to the cluster: a claim, a release, a pod that starts, or one that ends."""

    what: str
    owner: str
    node: str
    cpu: float
    copy: str


def happen(cluster: Cluster, step: Step) -> None:
    """Let ``step`` happen to ``cluster``."""
    held = next(iter(cluster.ledger.claims_of(step.owner)), None)
    if step.what == "claim":
        claim = Claim(step.owner, "default", step.owner, step.node, step.node, {"cpu": step.cpu}, copy=step.copy)
        claimed(cluster.ledger, claim, cluster.nodes[step.node], cluster.pods)
    elif step.what == "release":
        cluster.ledger.release(step.owner)
    elif step.what == "end":
        del cluster.pods[:1]
    elif held is not None and not any((p.service, p.copy) == (step.owner, held.copy) for p in cluster.pods):
        cluster.bind(f"pod-{step.owner}", held.node, held.resources["cpu"], step.owner, held.copy)


steps = st.builds(
    Step,
    what=st.sampled_from(["claim", "claim", "release", "start", "end"]),
    owner=st.sampled_from("abc"),
    node=st.sampled_from(["n1", "n2"]),
    cpu=st.integers(1, 40).map(lambda tenths: tenths / 5),
    copy=st.sampled_from("12"),
)


@given(steps=st.lists(steps, max_size=30))
def test_no_order_of_claims_and_pods_overbooks_a_node(steps: list[Step]) -> None:
    cluster = Cluster()
    for step in steps:
        happen(cluster, step)
        assert all(cluster.promised(node) <= 8.0 + 1e-6 for node in cluster.nodes)
