"""The cycle: ladder, preference, best score, and the evidence."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.base import Tier
from aif.api.computenode import ComputeNode, Origin
from aif.api.conditions import Reason
from aif.domain.policy import Policy
from aif.planning.offload import decide
from aif.scheduling.claims import claim_for
from aif.scheduling.cycle import select
from aif.scheduling.ledger import Claim, Ledger
from aif.scheduling.node_table import NodeTable
from tests.builders import (
    CPU_32,
    CPU_VARIANT,
    GPU_VARIANT,
    VGG16,
    a_compute_node,
    a_link,
    a_node,
    a_pod,
    an_aiservice,
)
from tests.scheduling.fleet import POLICY, a_claim, a_table, selected
from tests.scheduling.test_node_table import CLOUD, a_condition


def a_site(name: str, tier: str = "RAN", rtt: int = 800, **spec: Any) -> ComputeNode:
    """Return a node of ``tier`` at a distance of ``rtt`` microseconds."""
    return a_compute_node(name, tier=tier, links=[a_link(rttMicroseconds=rtt)], **spec)


NETWORK = (
    a_site("gnb-7"),
    a_site("gnb-8", rtt=1200),
    a_site("edge-1", "Edge", 4000),
    a_site("core-1", "Core", 9000),
    a_site("cloud-1", "Cloud", 35_000),
)


def test_a_radio_site_that_holds_the_contract_comes_before_any_other_node() -> None:
    better = a_site("edge-0", "Edge", rtt=0)
    selection = selected(an_aiservice(), *NETWORK, better)
    assert selection.chosen is not None
    assert (selection.chosen.node, selection.chosen.tier, selection.step) == ("gnb-7", Tier.RAN, 0)
    assert selection.reason is Reason.AS_EXPECTED


def test_where_no_radio_site_holds_it_all_other_nodes_are_scored_together() -> None:
    full = [a_pod(f"p-{site}", node=f"worker-{site}", requests={"nvidia.com/gpu": 1.0}) for site in ("gnb-7", "gnb-8")]
    selection = selected(an_aiservice(), *NETWORK, pods=full)
    assert selection.chosen is not None
    assert (selection.chosen.node, selection.step) == ("edge-1", 1)
    assert {choice.node for choice in selection.candidates} == {"edge-1", "core-1"}


def test_the_ladder_is_configuration() -> None:
    policy = Policy(ladder=(frozenset({Tier.CORE}), frozenset(Tier)))
    assert selected(an_aiservice(), *NETWORK, policy=policy).chosen.node == "core-1"  # type: ignore[union-attr]


def test_a_preferred_variant_comes_before_a_better_score() -> None:
    poor = {"name": "poor", "accelerator": "nvidia.com/gpu", "count": 1, "flopsPerRequest": "100G"}
    selection = selected(an_aiservice(variants=[poor, GPU_VARIANT]), *NETWORK)
    assert selection.chosen is not None
    assert selection.chosen.variant.name == "poor"


def test_a_fallback_variant_on_a_radio_site_comes_before_the_preferred_one_further_up() -> None:
    plain = [a_site("gnb-7", devices=[CPU_32]), a_site("edge-1", "Edge")]
    service = an_aiservice(variants=[GPU_VARIANT, CPU_VARIANT], load={"requestsPerSecond": 1}, qos={})
    selection = selected(service, *plain)
    assert selection.chosen is not None
    assert (selection.chosen.node, selection.chosen.variant.name) == ("gnb-7", "cpu")
    assert [(s.reason, s.variant, s.count) for s in selection.rejections] == [
        (Reason.ACCELERATOR_UNAVAILABLE, "gpu", 1)
    ]


def test_of_equal_nodes_the_first_by_name_is_taken_whatever_their_order() -> None:
    twins = [a_site("b"), a_site("a"), a_site("c")]
    for order in (twins, twins[::-1]):
        selection = selected(an_aiservice(), *order)
        assert [choice.node for choice in selection.candidates] == ["a", "b", "c"]


def test_a_service_without_latency_target_goes_where_it_need_not_move() -> None:
    shaky = a_compute_node("shaky", links=[a_link(jitterMicroseconds=800)], price={"microUnitsPerDeviceHour": 1})
    steady = a_compute_node("steady", links=[a_link(jitterMicroseconds=0)])
    assert selected(an_aiservice(qos={}), shaky, steady).chosen.node == "steady"  # type: ignore[union-attr]


def test_at_most_five_candidates_are_kept_best_first_and_each_node_once() -> None:
    fleet = [a_site(f"gnb-{place}", rtt=100 * place) for place in range(8)]
    plain = a_site("gnb-plain", devices=[CPU_32])
    service = an_aiservice(variants=[GPU_VARIANT, {**GPU_VARIANT, "name": "other"}])
    selection = selected(service, *fleet, plain)
    scores = [choice.score for choice in selection.candidates]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert len({choice.node for choice in selection.candidates}) == 5
    assert selection.candidates[0] == selection.chosen
    assert "best of 8 nodes that fit" in selection.message


def test_candidates_of_a_fallback_variant_follow_those_of_the_preferred_one() -> None:
    service = an_aiservice(variants=[GPU_VARIANT, CPU_VARIANT], load={"requestsPerSecond": 1}, qos={})
    selection = selected(service, a_site("plain", devices=[CPU_32]), a_site("gnb-7"))
    assert [(choice.node, choice.variant.name) for choice in selection.candidates] == [
        ("gnb-7", "gpu"),
        ("plain", "cpu"),
    ]
    assert selection.message == "gnb-7 (RAN) is the best of 2 nodes that fit, as variant gpu with score 92"


def test_terms_add_up_to_the_score() -> None:
    selection = selected(an_aiservice(), *NETWORK)
    for choice in selection.candidates:
        assert sum(term.weight for term in choice.terms) == pytest.approx(10_000, abs=len(choice.terms))
        assert sum(term.score * term.weight for term in choice.terms) / 10_000 == pytest.approx(choice.score, abs=1.1)
        assert [term.weight for term in choice.terms] == sorted((t.weight for t in choice.terms), reverse=True)


def test_nodes_of_a_step_that_was_not_reached_are_not_counted_as_refused() -> None:
    selection = selected(an_aiservice(qos={"latency": {"maxP99Microseconds": 6300}}), *NETWORK)
    assert selection.chosen is not None
    assert [(s.reason, s.count, s.nearest) for s in selection.rejections] == [(Reason.LATENCY_INFEASIBLE, 1, "gnb-8")]
    assert selection.nodes == 5


def test_where_all_nodes_miss_the_same_limit_it_is_the_reason() -> None:
    selection = selected(an_aiservice(qos={"latency": {"maxP99Microseconds": 5000}}), *NETWORK)
    assert selection.reason is Reason.LATENCY_INFEASIBLE
    assert (selection.chosen, selection.candidates, selection.step) == (None, (), None)
    (shortage,) = selection.rejections
    assert (shortage.count, shortage.nearest) == (5, "gnb-7")
    assert shortage.required_value == 0.005
    assert shortage.available_value == pytest.approx(0.006155, abs=1e-6)


def test_where_nodes_disagree_the_message_names_each_limit() -> None:
    fleet = [a_site("cloud-1", "Cloud", 35_000), a_site("plain", devices=[CPU_32])]
    selection = selected(an_aiservice(), *fleet)
    assert selection.reason is Reason.NO_CANDIDATE_NODE
    assert selection.message == (
        "No node of 2 fits: accelerators short by 1 nvidia.com/gpu on plain (needs 1 nvidia.com/gpu, offers 0 "
        "nvidia.com/gpu); latency short by 20.4 ms on cloud-1 (needs 20.0 ms, offers 40.4 ms)"
    )


def test_nodes_that_the_user_left_out_have_no_say_in_the_reason() -> None:
    service = an_aiservice(placement={"tiers": ["Cloud"]})
    assert selected(service, *NETWORK).reason is Reason.LATENCY_INFEASIBLE
    nowhere = an_aiservice(placement={"tiers": ["Device"]})
    assert selected(nowhere, *NETWORK).reason is Reason.NOT_SELECTED


def test_with_several_variants_each_limit_names_its_own() -> None:
    service = an_aiservice(variants=[{**GPU_VARIANT, "count": 4}, CPU_VARIANT])
    selection = selected(service, a_site("gnb-7"))
    assert selection.reason is Reason.NO_CANDIDATE_NODE
    assert selection.message.startswith("No node of 1 fits: as gpu, accelerators short by 3 nvidia.com/gpu on gnb-7")
    assert "as cpu, latency" in selection.message or "as cpu, compute" in selection.message


def test_a_long_list_of_limits_is_cut_short() -> None:
    fleet = [
        a_site("a", devices=[CPU_32]),
        a_site("b", rtt=90_000),
        a_site("c", status=a_condition("TelemetryFresh", "False")),
        a_compute_node("d", **CLOUD),
        a_compute_node("e", links=[]),
    ]
    selection = selected(an_aiservice(), *fleet)
    assert len(selection.rejections) == 5
    assert selection.message.endswith("; 1 more limits")
    assert len(selection.message) < 1024


def test_the_nearest_miss_is_the_one_that_misses_least() -> None:
    fleet = [a_site("far", rtt=90_000), a_site("near", rtt=20_000), a_compute_node("unknown", links=[])]
    own = {"bandwidth": {"enforcement": "Soft"}, "latency": {"maxP99Microseconds": 20_000}}
    (shortage,) = selected(an_aiservice(qos=own), *fleet).rejections
    assert (shortage.count, shortage.nearest) == (3, "near")


def test_without_compute_nodes_the_message_says_what_to_do() -> None:
    selection = select(an_aiservice(), NodeTable.build([], {}, (), Ledger()), POLICY)
    assert selection.reason is Reason.NO_CANDIDATE_NODE
    assert "register one" in selection.message


def test_a_narrowed_table_is_the_whole_world_of_a_decision() -> None:
    table = a_table(*NETWORK)
    selection = select(an_aiservice(), table.only({"edge-1"}), POLICY)
    assert selection.chosen is not None
    assert (selection.chosen.node, selection.nodes) == ("edge-1", 1)
    assert select(an_aiservice(), table.only(set()), POLICY).nodes == 0


def test_a_service_finds_its_own_place_free_once_its_claim_is_left_out() -> None:
    own = a_claim("uid-default-plates", service="plates")
    table = a_table(claims=[own])
    assert select(an_aiservice(), table, POLICY).reason is Reason.CAPACITY_RESERVED
    assert select(an_aiservice(), table.without([own]), POLICY).chosen is not None


def test_the_choice_carries_the_claim_to_hold() -> None:
    service = an_aiservice(
        workload={"image": "p:1", "replicas": 2, "resources": {"cpu": 2}}, variants=[CPU_VARIANT], qos={}
    )
    choice = selected(service, *NETWORK).chosen
    assert choice is not None
    assert choice.replicas == 2
    assert choice.claim == Claim(
        owner="uid-default-plates",
        namespace="default",
        service="plates",
        node="gnb-7",
        node_name="worker-gnb-7",
        resources={"cpu": 16.0, "pods": 2.0},
        flops_per_second=930e9,
        memory_bandwidth_bytes_per_second=18e9,
        up_bits_per_second=144e6,
        device="cpu",
        utilisation=0.465,
        site="gnb-7",
        requests_per_second=30.0,
    )


def test_a_claim_of_attached_users_holds_the_link_of_their_site() -> None:
    fleet = [a_compute_node("gnb-7", devices=[CPU_32]), a_compute_node("edge-1", tier="Edge", links=[a_link("gnb-7")])]
    choice = selected(an_aiservice(ue={"attachedTo": "gnb-7"}), *fleet).chosen
    assert choice is not None
    assert (choice.node, choice.claim.site) == ("edge-1", "gnb-7")


def test_a_claim_that_nobody_measured_holds_no_rate() -> None:
    choice = selected(an_aiservice(model={"name": "secret"}, load=None, qos={}), *NETWORK).chosen
    assert choice is not None
    assert (choice.claim.flops_per_second, choice.claim.utilisation, choice.claim.up_bits_per_second) == (0, 0, 0)


def test_after_a_restart_the_same_claim_is_found_again() -> None:
    service, table = an_aiservice(), a_table(*NETWORK)
    choice = select(service, table, POLICY).chosen
    assert choice is not None
    assert claim_for(service, choice.variant, choice.node, table, POLICY) == choice.claim
    assert claim_for(service, choice.variant, "gone", table, POLICY) is None


def test_the_choice_tells_what_is_predicted() -> None:
    choice = selected(an_aiservice(), *NETWORK).chosen
    assert choice is not None
    assert choice.origin is Origin.IN_NETWORK
    assert (choice.latency_microseconds, choice.millijoules_per_request) == (6156, 2202)
    assert choice.forecast.accuracy == pytest.approx(0.71583, abs=1e-5)
    side = choice.network_side
    assert side.seconds == pytest.approx(choice.forecast.latency_seconds)
    assert side.attainable_flops == 19.5e12


def test_what_cannot_be_predicted_is_left_out() -> None:
    service = an_aiservice(model={"name": "secret"}, load=None, qos={})
    choice = selected(service, *NETWORK).chosen
    assert choice is not None
    assert (choice.latency_microseconds, choice.millijoules_per_request) == (None, None)
    assert decide(service, choice.network_side).chosen == "Network"


def test_a_verified_external_node_may_serve() -> None:
    external = a_compute_node("acme", **CLOUD, status=a_condition("Verified", "True"))
    choice = selected(an_aiservice(), external).chosen
    assert choice is not None
    assert choice.origin is Origin.EXTERNAL


def test_a_decision_leaves_the_table_as_it_was() -> None:
    table = a_table(*NETWORK)
    service = an_aiservice(model=VGG16 | {"outputBits": "10k"})
    assert select(service, table, POLICY) == select(service, table, POLICY)


def test_an_unready_node_is_never_chosen() -> None:
    node = a_node("worker-gnb-7", ready="Unknown")
    selection = selected(an_aiservice(), a_site("gnb-7"), nodes={node.name: node})
    assert selection.reason is Reason.NODE_UNREACHABLE
    assert selection.message == "No node of 1 fits: not reachable: gnb-7"
