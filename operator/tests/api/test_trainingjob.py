"""What a TrainingJob says of itself: clients and variants, and which of its fields stand fast."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.api.crd import annotated_schema
from aif.api.kinds import TRAININGJOB
from aif.api.quantity import Quantity
from aif.api.structural import rules_of
from aif.api.trainingjob import TrainingJob, TrainingJobSpec

LEAST: dict[str, Any] = {
    "mode": "Centralized",
    "model": {"name": "mlp-3"},
    "data": {"source": "Digits"},
    "workload": {"image": "learner:1.0"},
    "output": {"claimName": "models"},
}


def a_job(**spec: Any) -> TrainingJob:
    return TrainingJob.model_validate({"metadata": {"name": "j"}, "spec": LEAST | spec})


def test_a_quantity_that_is_left_out_is_read_as_the_server_would_fill_it_in() -> None:
    compression = {"source": {"claimName": "models", "path": "m"}, "methods": ["L1"]}
    spec = a_job(mode="Compression", compression=compression).spec
    assert spec.compression is not None
    assert spec.compression.threshold == Quantity.parse("0.01")


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        pytest.param({}, 0, id="a single worker"),
        pytest.param({"mode": "Federated", "clients": 3}, 3, id="clients"),
        pytest.param(
            {"mode": "TwoLevel", "groups": [{"name": "a", "clients": 4}, {"name": "b", "clients": 2}]}, 6, id="groups"
        ),
    ],
)
def test_clients_are_counted_over_all_groups(spec: dict[str, Any], count: int) -> None:
    assert a_job(**spec).client_count == count


def test_a_job_without_variants_learns_on_the_processor() -> None:
    assert [variant.accelerator for variant in a_job().variants] == ["None"]


def test_every_field_but_suspend_has_a_rule_that_it_cannot_be_changed() -> None:
    spec = annotated_schema(TRAININGJOB)["properties"]["spec"]
    fast = {rule["message"].split(" ", 1)[0] for rule in rules_of(spec) if "oldSelf" in rule["rule"]}
    assert set(spec["properties"]) - fast == {"suspend"}


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_job_reads_back_what_it_writes(seed: int, deadline: int) -> None:
    spec = a_job(seed=seed, stop={"deadlineSeconds": deadline}).spec
    assert TrainingJobSpec.model_validate(spec.to_dict()) == spec
