"""An explanation holds the whole decision, reads well at 100 columns, and ends with what to do."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.cli.explain.advice import next_steps
from aif.cli.explain.explanation import explanation
from aif.cli.explain.view import view
from tests.builders import an_aiservice
from tests.cli.conftest import DEMO, Aif

GOLDEN = Path(__file__).parents[1] / "golden"
TERM = {"name": "latency", "score": 90, "weight": 7000}


def a_condition(kind: str, status: str = "True", reason: str = "AsExpected", message: str = "") -> dict[str, Any]:
    moment = "2030-01-01T12:00:00Z"
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": moment}


def a_placed_service(**status: Any) -> AIService:
    """Return a service that runs on gnb-7 as it should."""
    placement = {
        "node": "gnb-7",
        "nodeName": "worker-gnb-7",
        "tier": "RAN",
        "variant": "gpu",
        "replicas": 1,
        "score": 88,
        "copy": "c0ffee",
        "predictedLatencyMicroseconds": 5250,
    }
    fine = [a_condition(kind) for kind in ("Ready", "Accepted", "Placed", "WorkloadReady", "EndpointReady", "QoSMet")]
    return an_aiservice(status={"placements": [placement], "conditions": fine, **status})


def an_unplaced_service(*refusals: dict[str, Any], **status: Any) -> AIService:
    """Return a service that finds no place."""
    placed = a_condition("Placed", "False", "NoCandidateNode", "No node fits")
    return an_aiservice(status={"conditions": [a_condition("Accepted"), placed], "rejected": list(refusals), **status})


def a_refusal(reason: str, variant: str = "gpu", nearest: str = "cloud-1", **figures: str) -> dict[str, Any]:
    known = {"required": "20000 us", "available": "38000 us", **figures}
    return {"reason": reason, "variant": variant, "count": 2, "nearest": nearest, **known}


def shown(service: AIService, *, width: int = 100, encoding: str = "utf-8", terminal: bool = False) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    screen = Console(file=stream, width=width, force_terminal=terminal, color_system="standard" if terminal else None)
    screen.print(view(service, screen))
    stream.seek(0)
    return stream.read()


PLAN: dict[str, Any] = {
    "offload": "Network",
    "decision": "Network",
    "node": "gnb-7",
    "cut": "Input",
    "reason": "it fits",
}


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        pytest.param({}, "Plan: Network; no other candidate", id="alone"),
        pytest.param(
            {
                "exit": {
                    "name": "early",
                    "cut": "Input",
                    "accuracyBasisPoints": 6300,
                    "microseconds": 900,
                    "inTime": True,
                }
            },
            "Exit: early cut after Input, accuracy 63.00 %, 900 us a request; nothing serves it yet",
            id="exit",
        ),
        pytest.param(
            {"exit": {"name": "a", "cut": "pool1", "accuracyBasisPoints": 1, "microseconds": 9, "inTime": False}},
            "Exit: a cut after pool1, accuracy 0.01 %, 9 us a request, later than the contract asks",
            id="late exit",
        ),
        pytest.param(
            {"share": {"services": 3, "cpu": "8.5", "upBitsPerSecond": "650M", "microseconds": 5100}},
            "Share: 8.5 cores and 650 Mbit/s of the uplink beside 2 other services, 5.1 ms a request",
            id="shared",
        ),
        pytest.param(
            {"runnerUp": {"decision": "Network", "node": "gnb-8", "variant": "gpu", "score": 71}},
            "Plan: Network; next best gnb-8 as variant gpu, score 71",
            id="another node",
        ),
        pytest.param(
            {"runnerUp": {"decision": "Local", "predictedLatencyMicroseconds": 31_000}},
            "Plan: Network; next best the users' devices, predicted 31 ms",
            id="the users' devices",
        ),
        pytest.param(
            {
                "decision": "Split",
                "cut": "pool1",
                "parts": [{"where": "ue", "microseconds": 1000}, {"where": "gnb-7", "microseconds": 2500}],
            },
            "Plan: Split after pool1, ue 1 ms and gnb-7 2.5 ms; gnb-7 runs all of it",
            id="a split",
        ),
    ],
)
def test_the_plan_is_told_with_the_runner_up(plan: dict[str, Any], said: str) -> None:
    assert said in shown(a_placed_service(plan={**PLAN, **plan}), width=160)


def test_a_plan_of_an_earlier_release_is_told_without_a_decision() -> None:
    assert "Plan:" not in shown(a_placed_service(plan={"offload": "Network", "node": "gnb-7", "reason": "it fits"}))


@pytest.mark.parametrize("name", ["roadside", "tactile"])
def test_the_demo_is_explained_as_it_was_reviewed(aif: Aif, name: str) -> None:
    """Write the file anew by ``aif explain NAME -f manifests/samples/network.yaml -f .../services.yaml -o json``."""
    done = aif("explain", name, *DEMO, "-o", "json")
    assert json.loads(done.out) == json.loads((GOLDEN / f"explain-{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "name", ["acceptance", "batch", "chat", "counter", "radiology", "roadside", "sensors", "tactile"]
)
def test_every_explanation_fits_into_100_columns(aif: Aif, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert max(map(len, aif("explain", name, *DEMO).out.splitlines())) <= 100


def test_the_explanation_shows_each_part(aif: Aif) -> None:
    text = aif("explain", "tactile", *DEMO).out
    parts = ["Not placed: ", "Demands", "Refused", "Contract", "What to do"]
    assert [part for part in parts if part in text] == parts
    assert sorted(parts, key=text.index) == parts


def test_a_service_that_is_not_in_the_files_is_told_with_those_that_are(aif: Aif) -> None:
    done = aif("explain", "nobody", *DEMO)
    assert done.status == 1
    assert done.err.startswith("error: no AIService nobody in these files; there are: roadside, chat,")


def test_a_name_in_two_namespaces_needs_the_namespace(aif: Aif, tmp_path: Path) -> None:
    text = Path(DEMO[3]).read_text(encoding="utf-8")
    (tmp_path / "again.yaml").write_text(text.replace("metadata:", "metadata:\n  namespace: other"), encoding="utf-8")
    files = (*DEMO, "-f", str(tmp_path / "again.yaml"))
    assert "name one of them with --namespace" in aif("explain", "chat", *files).err
    assert aif("explain", "chat", "-n", "other", *files).status == 0


def test_a_service_that_serves_needs_nothing() -> None:
    structure = explanation(a_placed_service())
    assert structure["decision"]["placed"] is True
    assert (structure["conditions"], structure["next"]) == ([], [])
    assert "What to do" not in shown(a_placed_service())


def test_the_head_tells_the_place_and_the_promise() -> None:
    text = shown(a_placed_service())
    assert "On gnb-7 (RAN) as variant gpu, 1 replica, score 88 of 100, predicted 5.25 ms of 20 ms allowed" in text


def test_a_measured_breach_stands_beside_target_and_prediction() -> None:
    measured = {"dimension": "latency", "target": 20_000, "predicted": 5250, "measured": 25_600, "verdict": "Breached"}
    (row,) = [line for line in shown(a_placed_service(qos=[measured])).splitlines() if "Breached" in line]
    assert row.split() == ["latency", "Hard", "20", "ms", "5.25", "ms", "25.6", "ms", "Breached"]
    (dimension,) = explanation(a_placed_service(qos=[measured]))["contract"]
    assert (dimension["unit"], dimension["enforcement"]) == ("us", "Hard")


def test_a_condition_is_shown_while_it_is_not_as_it_should_be() -> None:
    odd = [
        a_condition("Placed"),
        a_condition("Accepted"),
        a_condition("WorkloadReady", "False", "CrashLooping", "0 of 1 replicas ready"),
        a_condition("Migrating", "True", "Progressing"),
        a_condition("Degraded", "False"),
        a_condition("QoSMet", "Unknown", "MetricsMissing"),
    ]
    kinds = [condition["type"] for condition in explanation(a_placed_service(conditions=odd))["conditions"]]
    assert kinds == ["WorkloadReady", "Migrating", "QoSMet"]


def test_bars_are_as_long_as_the_score_and_plain_where_blocks_cannot_be_printed() -> None:
    candidates = [{"node": "gnb-7", "variant": "gpu", "score": 88, "terms": [TERM]}]
    assert "███████   90" in shown(a_placed_service(candidates=candidates))
    assert "#######   90" in shown(a_placed_service(candidates=candidates), encoding="ascii")


def test_colours_come_only_on_a_terminal() -> None:
    assert "\x1b[32m" in shown(a_placed_service(), terminal=True)
    assert "\x1b" not in shown(a_placed_service())


def test_a_long_name_is_wrapped_and_not_cut() -> None:
    name = ".".join(["very-long-name-of-a-node"] * 10)
    text = shown(an_unplaced_service(a_refusal("LatencyInfeasible", nearest=name)))
    assert max(map(len, text.splitlines())) <= 100


def test_a_term_that_one_candidate_lacks_leaves_its_cell_empty() -> None:
    other = {"node": "gnb-8", "variant": "gpu", "score": 70, "terms": []}
    candidates = [{"node": "gnb-7", "variant": "gpu", "score": 88, "terms": [TERM]}, other]
    (row,) = [line for line in shown(a_placed_service(candidates=candidates)).splitlines() if "70 %" in line]
    assert row.split()[-1] == "-"


def test_a_status_that_is_not_written_yet_is_told() -> None:
    service = an_aiservice()
    assert "Not looked at yet" in shown(service)
    assert explanation(service)["decision"]["reason"] == "Pending"
    assert "aif-system" in next_steps(service)[0]


_NO_WAY_OUT = {Reason.VERIFICATION_PENDING, Reason.VERIFICATION_FAILED, Reason.CAPABILITY_STALE, Reason.NODE_OVERLOADED}
_NO_WAY_OUT |= {Reason.TRANSFER_INFEASIBLE, Reason.STORAGE_INFEASIBLE, Reason.TIME_INFEASIBLE}  # of training jobs
_REFUSALS = [
    reason
    for reason in Reason
    if (reason.endswith("Infeasible") or reason.startswith("Node") or reason in {"EnergyBudgetExceeded", "NotSelected"})
    and reason not in _NO_WAY_OUT
] + [Reason.ACCELERATOR_UNAVAILABLE, Reason.CAPACITY_RESERVED]


@pytest.mark.parametrize("reason", _REFUSALS)
def test_each_limit_comes_with_a_way_out(reason: str) -> None:
    (advice,) = next_steps(an_unplaced_service(a_refusal(reason)))
    assert advice.startswith(f"{reason}: ")
    assert "{" not in advice


def test_the_way_out_names_field_figure_and_node() -> None:
    (advice,) = next_steps(an_unplaced_service(a_refusal("LatencyInfeasible")))
    assert "spec.qos.latency.maxP99Microseconds to 38000, which cloud-1 offers" in advice


def test_what_nobody_declared_is_to_be_declared() -> None:
    (advice,) = next_steps(an_unplaced_service(a_refusal("LatencyInfeasible", available="unknown")))
    assert "declare in the spec of cloud-1" in advice


def test_a_missing_accelerator_is_beside_the_point_where_another_variant_was_tried() -> None:
    refusals = (a_refusal("AcceleratorUnavailable"), a_refusal("LatencyInfeasible", variant="cpu"))
    assert [step.partition(":")[0] for step in next_steps(an_unplaced_service(*refusals))] == ["LatencyInfeasible"]


def test_no_more_than_three_ways_are_told_each_once() -> None:
    reasons = ["LatencyInfeasible", "LatencyInfeasible", "MemoryInfeasible", "ComputeInfeasible", "CapacityReserved"]
    steps = next_steps(an_unplaced_service(*map(a_refusal, reasons)))
    assert [step.partition(":")[0] for step in steps] == ["LatencyInfeasible", "MemoryInfeasible", "ComputeInfeasible"]


def test_what_waits_for_approval_says_how_to_approve() -> None:
    plan = {"offload": "Network", "node": "gnb-7", "token": "ab12", "waitsFor": ["Place"]}
    (step,) = next_steps(an_unplaced_service(plan=plan))
    assert "kubectl annotate aiservice plates -n default --overwrite net4ai.io/approve=ab12" in step


def test_what_is_not_accepted_is_told_by_its_own_message() -> None:
    fault = a_condition("Accepted", "False", "RefNotFound", "spec.ue.attachedTo: no ComputeNode gnb-9")
    service = an_aiservice(status={"conditions": [fault, a_condition("Placed", "False", "RefNotFound")]})
    assert explanation(service)["decision"]["message"] == "spec.ue.attachedTo: no ComputeNode gnb-9"
    assert next_steps(service) == ["Correct the field that the message names, and apply it again."]


def test_a_suspended_service_says_how_to_start_it() -> None:
    service = an_aiservice(
        suspend=True, status={"conditions": [a_condition("Accepted"), a_condition("Placed", "False")]}
    )
    assert next_steps(service) == ["Set spec.suspend to false to start it again."]


@pytest.mark.parametrize(
    ("reason", "command"),
    [
        ("ImagePullFailed", "kubectl describe pods -n default -l net4ai.io/service=plates"),
        ("CrashLooping", "kubectl logs -n default -l net4ai.io/service=plates --previous"),
        ("Progressing", "kubectl get pods -n default -l net4ai.io/service=plates --watch"),
        ("QuotaExceeded", "kubectl describe resourcequota -n default"),
    ],
)
def test_a_workload_that_does_not_run_names_the_command_that_tells_why(reason: str, command: str) -> None:
    parts = [a_condition("Accepted"), a_condition("Placed"), a_condition("WorkloadReady", "False", reason)]
    (step,) = next_steps(a_placed_service(conditions=parts))
    assert command in step
