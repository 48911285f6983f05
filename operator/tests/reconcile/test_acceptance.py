"""What the schema cannot see: references, and what the administrator allows."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.conditions import Reason
from aif.domain.policy import Policy
from aif.reconcile.acceptance import accept
from tests.builders import an_aiservice
from tests.reconcile.scenes import a_snapshot

GVISOR = {"image": "plates:1", "runtimeClassName": "gvisor"}
EDGE = {"gateway": {"name": "edge", "host": "plates.example.org"}}


@pytest.mark.parametrize(
    ("spec", "world"),
    [
        pytest.param({}, {}, id="nothing beyond the schema"),
        pytest.param({"ue": {"attachedTo": "gnb-7"}}, {}, id="a site that exists"),
        pytest.param(
            {"workload": GVISOR},
            {"policy": Policy(runtime_classes=frozenset({"gvisor"}))},
            id="a class that is allowed",
        ),
        pytest.param({"expose": EDGE}, {"routes_served": True}, id="a route where they are served"),
    ],
)
def test_what_exists_and_is_allowed_is_accepted(spec: dict[str, Any], world: dict[str, Any]) -> None:
    assert accept(an_aiservice(**spec), a_snapshot(**world)) is None


@pytest.mark.parametrize(
    ("spec", "reason", "field"),
    [
        pytest.param(
            {"ue": {"attachedTo": "nowhere"}}, Reason.REF_NOT_FOUND, "spec.ue.attachedTo", id="a site that is missing"
        ),
        pytest.param(
            {"workload": GVISOR},
            Reason.INVALID_SPEC,
            "spec.workload.runtimeClassName",
            id="a class that is not allowed",
        ),
        pytest.param({"expose": EDGE}, Reason.REF_NOT_FOUND, "spec.expose.gateway", id="a route where none are served"),
    ],
)
def test_a_fault_names_its_field_and_what_to_do(spec: dict[str, Any], reason: Reason, field: str) -> None:
    fault = accept(an_aiservice(**spec), a_snapshot())
    assert fault is not None
    assert (fault.type, fault.status, fault.reason) == ("Accepted", "False", reason)
    assert fault.message.startswith(f"{field}: ")
