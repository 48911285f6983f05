"""What the caches keep is small, and the same as what was read."""

from __future__ import annotations

import copy
from typing import Any

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.gateways.kubernetes.compact import Packed, Sharing
from tests.builders import a_compute_node, an_aiservice


def test_a_packed_object_reads_like_the_object() -> None:
    body: dict[str, Any] = {"kind": "Service", "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}}
    packed = Packed(body)
    assert packed == body
    assert dict(packed) == body
    assert list(packed) == ["kind", "spec"]
    assert len(packed) == 2
    assert packed["spec"]["ports"][0]["port"] == 80
    assert packed.get("status", {}) == {}


def test_packed_objects_are_equal_where_what_they_hold_is() -> None:
    assert Packed({"a": 1, "b": 2}) == Packed({"b": 2, "a": 1})
    assert Packed({"a": 1}) != Packed({"a": 2})
    assert Packed({"a": 1}) != 1


def test_a_look_into_a_packed_object_changes_nothing() -> None:
    packed = Packed({"spec": {"replicas": 1}})
    packed["spec"]["replicas"] = 2
    assert packed["spec"] == {"replicas": 1}


def test_a_compacted_object_is_the_same() -> None:
    sharing = Sharing()
    for model in (an_aiservice("a"), an_aiservice("b"), a_compute_node("gnb-7"), a_compute_node("gnb-8")):
        before = copy.deepcopy(model)
        assert sharing.compact(model) == before
        assert model.to_dict() == before.to_dict()
        assert model.model_dump(exclude_unset=True) == before.model_dump(exclude_unset=True)


def test_equal_parts_of_two_objects_are_one() -> None:
    sharing = Sharing()
    one, other = sharing.compact(a_compute_node("gnb-7")), sharing.compact(a_compute_node("gnb-8"))
    assert one.spec.capability.devices[0] is other.spec.capability.devices[0]
    assert one.metadata is not other.metadata


def test_parts_that_differ_stay_apart() -> None:
    sharing = Sharing()
    one, other = (
        sharing.compact(AIService.model_validate(an_aiservice(name).to_dict() | {"spec": {**spec(name), "load": load}}))
        for name, load in (("a", {"requestsPerSecond": 1}), ("b", {"requestsPerSecond": 2}))
    )
    assert one.spec.load != other.spec.load
    assert one.spec.model is other.spec.model


def spec(name: str) -> dict[str, Any]:
    found: dict[str, Any] = an_aiservice(name).to_dict()["spec"]
    return found


def test_a_field_that_was_given_is_told_from_a_default_of_the_same_value() -> None:
    sharing = Sharing()
    given = a_compute_node("gnb-7").to_dict()
    device = given["spec"]["capability"]["devices"][0]
    default = ComputeNode.model_validate(given).spec.capability.devices[0]
    del device["count"]
    one, other = (
        sharing.compact(ComputeNode.model_validate(raw)) for raw in (given, a_compute_node("gnb-8").to_dict())
    )
    assert one.spec.capability.devices[0].model_fields_set != other.spec.capability.devices[0].model_fields_set
    assert other.spec.capability.devices[0] == default


def test_only_so_many_parts_are_remembered() -> None:
    sharing = Sharing(remembered=4)
    for number in range(20):
        sharing.compact(a_compute_node(f"gnb-{number}"))
    assert len(sharing) == 4
