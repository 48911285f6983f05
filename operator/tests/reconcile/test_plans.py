"""What was planned stands in the status: decision, cut and parts, promise, and the runner-up."""

from __future__ import annotations

import json
from typing import Any

from aif.api.aiservice import AIService
from aif.api.aiservice_plan import Plan
from aif.reconcile.placing import place
from tests.builders import NOON, a_compute_node, a_link, an_aiservice
from tests.reconcile.scenes import a_snapshot

HOME = a_compute_node("gnb-7")
NEXT = a_compute_node("gnb-8", links=[a_link(rttMicroseconds=2_000)])
CUTS = [
    {"name": "Input", "ueFlops": "0", "dataBits": "40M"},
    {"name": "pool1", "ueFlops": "1G", "dataBits": "1M"},
]
SPLIT: dict[str, Any] = {
    "offload": "Auto",
    "model": {"name": "m", "flopsPerRequest": "31G", "cuts": CUTS},
    "ue": {"peakFlops": "1T", "count": 100},
    "load": {"requestsPerSecond": 1},
    "qos": {},
}


def planned(service: AIService, *nodes: Any) -> Plan:
    """Return the plan of ``service`` once it is placed on one of ``nodes``."""
    plan = place(service, a_snapshot(*nodes), NOON).plan
    assert plan is not None
    return plan


def test_a_placed_service_tells_its_parts_its_promise_and_the_runner_up() -> None:
    plan = planned(an_aiservice(), HOME, NEXT)
    assert (plan.decision, plan.cut, plan.node) == ("Network", "Input", "gnb-7")
    assert [part.where for part in plan.parts] == ["gnb-7"]
    assert plan.parts[0].flops == "31G"
    assert plan.predicted is not None
    assert (
        plan.predicted.latency_microseconds
        == place(an_aiservice(), a_snapshot(HOME, NEXT), NOON).placements[0].predicted_latency_microseconds
    )
    assert plan.runner_up is not None
    assert (plan.runner_up.decision, plan.runner_up.node) == ("Network", "gnb-8")


def test_a_lone_candidate_has_no_runner_up() -> None:
    assert planned(an_aiservice(), HOME).runner_up is None


def test_a_split_names_cut_and_parts_and_places_the_whole_model_on_the_node() -> None:
    service = an_aiservice(**SPLIT)
    outcome = place(service, a_snapshot(HOME), NOON)
    plan = outcome.plan
    assert plan is not None
    assert (plan.offload, plan.decision, plan.cut) == ("Network", "Split", "pool1")
    assert [(part.where, part.flops) for part in plan.parts] == [("ue", "1G"), ("gnb-7", "30G")]
    assert plan.parts[0].microseconds == 1000
    assert [placement.cut for placement in outcome.placements] == ["Input"]
    assert plan.runner_up is not None
    assert plan.runner_up.decision == "Local"


def test_an_exit_is_named_with_its_cut_accuracy_and_time() -> None:
    exits = [{"name": "early", "flops": "2G", "accuracyBasisPoints": 6000}]
    model = {**SPLIT["model"], "accuracyBasisPoints": 7600, "exits": exits}
    chosen = planned(an_aiservice(**SPLIT | {"model": model, "qos": {"latency": {"maxP99Microseconds": 25_000}}}), HOME)
    assert chosen.exit is not None
    assert (chosen.exit.name, chosen.exit.cut, chosen.exit.in_time) == ("Output", "pool1", True)
    assert chosen.exit.accuracy_basis_points == 7599, "over a link that loses one in ten thousand"
    assert planned(an_aiservice(), HOME).exit is None


def test_a_service_that_asks_for_the_network_is_never_parted() -> None:
    assert planned(an_aiservice(**{**SPLIT, "offload": "Network"}), HOME).decision == "Network"


def test_a_service_on_the_users_devices_tells_what_it_takes_there() -> None:
    plan = planned(an_aiservice(**{**SPLIT, "offload": "Local", "ue": {"peakFlops": "1T", "watts": 20}}), HOME)
    assert (plan.decision, plan.node, plan.cut) == ("Local", None, None)
    assert [(part.where, part.microseconds) for part in plan.parts] == [("ue", 31_000)]
    assert plan.predicted is not None
    assert (plan.predicted.latency_microseconds, plan.predicted.millijoules_per_request) == (31_000, 620)


def test_a_device_that_is_quicker_than_the_link_has_the_node_as_runner_up() -> None:
    plan = planned(an_aiservice(**{**SPLIT, "ue": {"peakFlops": "100T", "count": 100}}), HOME)
    assert plan.decision == "Local"
    assert plan.runner_up is not None
    assert plan.runner_up.node == "gnb-7"


def test_what_waits_for_approval_tells_the_same() -> None:
    plan = planned(an_aiservice(autonomy={"level": "Manual"}), HOME, NEXT)
    assert plan.token is not None
    assert plan.decision == "Network"
    assert plan.runner_up is not None


def test_a_plan_stays_small() -> None:
    service = an_aiservice(**SPLIT)
    assert len(json.dumps(planned(service, HOME, NEXT).to_dict())) < 2048


def test_a_service_that_stays_keeps_its_plan_as_it_was_decided() -> None:
    service = an_aiservice()
    outcome = place(service, a_snapshot(HOME, NEXT), NOON)
    status = service.status.model_copy(update={"placements": list(outcome.placements), "plan": outcome.plan})
    settled = service.model_copy(update={"status": status})
    assert place(settled, a_snapshot(HOME), NOON).plan == outcome.plan
