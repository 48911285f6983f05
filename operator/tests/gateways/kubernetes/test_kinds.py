"""A stored object that cannot be read becomes a value that names the field."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.gateways.kubernetes.kinds import Faulty, parse_compute_node, parse_service


def a_raw_service(**spec: Any) -> dict[str, Any]:
    """Return an AIService as the API server sends it."""
    return {
        "apiVersion": "net4ai.io/v1alpha1",
        "kind": "AIService",
        "metadata": {"namespace": "shop", "name": "plates", "uid": "uid-1", "generation": 3},
        "spec": {"serviceType": "Inference", "model": {"name": "vgg16"}, **spec},
    }


def a_raw_compute_node() -> dict[str, Any]:
    """Return a ComputeNode as the API server sends it."""
    return {
        "apiVersion": "net4ai.io/v1alpha1",
        "kind": "ComputeNode",
        "metadata": {"name": "gnb-7", "uid": "uid-7"},
        "spec": {
            "tier": "RAN",
            "nodeName": "worker-1",
            "capability": {"devices": [{"name": "cpu", "type": "cpu", "count": 8, "memory": "32Gi"}]},
        },
    }


def test_a_sound_object_is_read() -> None:
    service, node = parse_service(a_raw_service()), parse_compute_node(a_raw_compute_node())
    assert isinstance(service, AIService)
    assert isinstance(node, ComputeNode)
    assert (service.metadata.name, node.metadata.name) == ("plates", "gnb-7")


def test_a_field_that_a_newer_version_added_is_no_fault() -> None:
    assert isinstance(parse_service(a_raw_service(tomorrow={"answer": 42})), AIService)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        pytest.param({"serviceType": "Magic"}, "spec.serviceType", id="unknown word"),
        pytest.param({"model": {"name": "x", "flopsPerRequest": "NaN"}}, "spec.model.flopsPerRequest", id="quantity"),
        pytest.param({"model": {"name": "x", "flopsPerRequest": "1_000"}}, "spec.model.flopsPerRequest", id="digits"),
        pytest.param({"variants": [{"name": "a"}, {"count": 1}]}, "spec.variants[1].name", id="within a list"),
        pytest.param({"suspend": "perhaps"}, "spec.suspend", id="no truth value"),
        pytest.param({"model": None}, "spec.model", id="null"),
    ],
)
def test_a_faulty_spec_names_its_first_field_and_keeps_its_identity(spec: dict[str, Any], path: str) -> None:
    faulty = parse_service(a_raw_service(**spec))
    assert isinstance(faulty, Faulty)
    assert faulty.error.field == path
    assert faulty.error.reason
    assert (faulty.reference.name, faulty.reference.uid) == ("plates", "uid-1")
    assert faulty.metadata.generation == 3


def test_a_spec_that_is_missing_is_a_fault() -> None:
    raw = a_raw_service()
    del raw["spec"]
    faulty = parse_service(raw)
    assert isinstance(faulty, Faulty)
    assert faulty.error.field == "spec"


@pytest.mark.parametrize("status", [{"placements": "nowhere"}, {"conditions": [{"type": 3}]}, None, "forged"])
def test_a_faulty_status_is_left_out_and_hides_nothing_else(status: object) -> None:
    service = parse_service({**a_raw_service(), "status": status})
    assert isinstance(service, AIService)
    assert service.status.placements == []


def test_a_faulty_status_beside_a_faulty_spec_hides_no_field() -> None:
    faulty = parse_service({**a_raw_service(suspend="perhaps"), "status": {"placements": "nowhere"}})
    assert isinstance(faulty, Faulty)
    assert faulty.error.field == "spec.suspend"
    assert faulty.status == {"placements": "nowhere"}


def test_a_status_that_is_no_map_is_empty_beside_a_fault() -> None:
    faulty = parse_service({**a_raw_service(suspend="perhaps"), "status": "forged"})
    assert isinstance(faulty, Faulty)
    assert faulty.status == {}
