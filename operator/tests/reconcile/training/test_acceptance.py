"""What a training job asks for and cannot have is refused, by the name of its field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reconcile.training.jobs import Life, a_job


@pytest.mark.parametrize(
    ("mode", "spec", "reason", "field"),
    [
        pytest.param("Federated", {"model": {"name": "mlp-0"}}, "InvalidSpec", "spec.model.name", id="no such model"),
        pytest.param(
            "Federated", {"model": {"name": "mlp-3", "hidden": [8]}}, "InvalidSpec", "spec.model.hidden", id="widths"
        ),
        pytest.param("Split", {"split": {"cut": "fc9"}}, "InvalidSpec", "spec.split.cut", id="no such layer"),
        pytest.param(
            "Federated",
            {"strategy": {"name": "FedAvg", "parameters": [{"name": "eta", "value": 1}]}},
            "InvalidSpec",
            "spec.strategy.parameters",
            id="a number that the strategy does not know",
        ),
        pytest.param(
            "Centralized", {"qos": {"dataPrivacyLevel": "High"}}, "PrivacyInfeasible", "dataPrivacyLevel", id="data"
        ),
        pytest.param(
            "Split", {"qos": {"dataPrivacyLevel": "High"}}, "PrivacyInfeasible", "dataPrivacyLevel", id="raw input"
        ),
        pytest.param(
            "Federated",
            {"qos": {"algorithmPrivacyLevel": "High"}},
            "PrivacyInfeasible",
            "algorithmPrivacyLevel",
            id="model",
        ),
        pytest.param(
            "Federated", {"qos": {"transfer": {"maxBytes": 1000}}}, "TransferInfeasible", "qos.transfer", id="bytes"
        ),
        pytest.param(
            "Federated", {"qos": {"storage": {"maxBytes": 1000}}}, "StorageInfeasible", "qos.storage", id="storage"
        ),
        pytest.param(
            "Federated",
            {"qos": {"storage": {"maxBytes": 400_000}}, "output": {"claimName": "models", "formats": ["ONNX"]}},
            "StorageInfeasible",
            "qos.storage",
            id="storage of another form",
        ),
        pytest.param(
            "Federated",
            {"workload": {"image": "x", "runtimeClassName": "gvisor"}},
            "InvalidSpec",
            "runtimeClassName",
            id="class",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_by_the_name_of_its_field(
    mode: str, spec: dict[str, Any], reason: str, field: str
) -> None:
    life = Life(a_job(mode, **spec))
    life.look()
    accepted = next(c for c in life.job.status.conditions if c.type == "Accepted")
    assert (accepted.status, accepted.reason) == ("False", reason)
    assert field in accepted.message
    assert life.claims == ()


def test_a_soft_bound_refuses_nobody() -> None:
    life = Life(a_job(qos={"transfer": {"maxBytes": 1000, "enforcement": "Soft"}}))
    life.look()
    assert life.condition("Accepted") == ("True", "AsExpected")
