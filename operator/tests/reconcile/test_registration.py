"""Nodes that opted in become ComputeNodes; a ComputeNode of somebody else stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.computenode import ComputeNode
from aif.domain.actions import Apply, Emit
from aif.domain.cluster import Node
from aif.domain.registry import REGISTERED_BY, SECURITY_LABEL, TIER_LABEL
from aif.reconcile.registration import computenode, register
from tests.builders import GIB, a_compute_node, a_node
from tests.reconcile.scenes import said

PRODUCT = "NVIDIA-A100-SXM4-40GB"


def opted_in(labels: dict[str, str] | None = None, **fields: Any) -> Node:
    """Return a Node of the edge tier with a known accelerator."""
    known = {TIER_LABEL: "Edge", "nvidia.com/gpu.product": PRODUCT}
    return a_node("metro-1", **{"labels": known | (labels or {}), **fields})


def registered(node: Node, **metadata: Any) -> ComputeNode:
    """Return the ComputeNode that was registered for ``node``."""
    body = computenode(node)
    meta = {**body["metadata"], "uid": "uid-metro-1", "generation": 1, **metadata}
    return ComputeNode.model_validate({**body, "metadata": meta})


def devices(node: Node) -> dict[str, dict[str, Any]]:
    return {device["type"]: device for device in computenode(node)["spec"]["capability"]["devices"]}


def test_a_node_without_the_label_is_not_registered() -> None:
    assert register(a_node(), None) == []


def test_a_node_with_the_label_is_registered_and_told() -> None:
    apply, told = register(opted_in(), None)
    assert isinstance(apply, Apply)
    assert isinstance(told, Emit)
    assert apply.body["metadata"]["labels"] == {REGISTERED_BY: "aif-operator"}
    assert apply.body["spec"] | {"capability": None} == {
        "tier": "Edge",
        "origin": "InNetwork",
        "nodeName": "metro-1",
        "securityLevel": "Low",
        "capability": None,
    }


def test_what_is_registered_is_valid_and_follows_no_further_change_of_nothing() -> None:
    assert register(opted_in(), registered(opted_in())) == []


def test_a_known_product_brings_its_public_figures() -> None:
    gpu = devices(opted_in())["nvidia.com/gpu"]
    assert gpu["model"].removeprefix("NVIDIA-") == PRODUCT.removeprefix("NVIDIA-")
    assert {"precision": "FP32", "flopsPerSecond": "19500G"} in gpu["peakFlops"]


@pytest.mark.parametrize("product", ["NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "NVIDIA-Z9000", ""])
def test_an_unknown_product_brings_no_figures(product: str) -> None:
    gpu = devices(opted_in({"nvidia.com/gpu.product": product}))["nvidia.com/gpu"]
    assert "peakFlops" not in gpu
    assert gpu["count"] == 1


def test_devices_follow_what_is_allocatable() -> None:
    allocatable = {"cpu": 7.5, "memory": 32 * GIB, "pods": 110.0, "hugepages-2Mi": 4.0, "example.org/npu": 2.0}
    found = devices(opted_in(allocatable=allocatable))
    assert {kind: device["count"] for kind, device in found.items()} == {"cpu": 7, "example.org/npu": 2}
    assert found["cpu"]["memory"] == str(32 * 2**30)


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(opted_in({TIER_LABEL: "Core"}), id="another tier"),
        pytest.param(opted_in({SECURITY_LABEL: "High"}), id="another security level"),
        pytest.param(opted_in(allocatable={"cpu": 32.0, "memory": 128 * GIB}), id="a lost accelerator"),
    ],
)
def test_a_registered_node_follows_its_node(now: Node) -> None:
    assert said(register(now, registered(opted_in()))) == ["apply ComputeNode metro-1"]


def test_a_node_that_opts_out_is_registered_no_more() -> None:
    assert said(register(a_node("metro-1"), registered(opted_in()))) == ["delete ComputeNode metro-1"]


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(a_compute_node("metro-1", tier="Cloud"), id="a user's own"),
        pytest.param(registered(opted_in(), labels={}), id="one that was taken over"),
        pytest.param(registered(opted_in(), labels={REGISTERED_BY: "another"}), id="another program's"),
    ],
)
@pytest.mark.parametrize("node", [opted_in(), opted_in({TIER_LABEL: "Core"}), a_node("metro-1")])
def test_a_compute_node_of_somebody_else_is_never_touched(node: Node, known: ComputeNode) -> None:
    assert register(node, known) == []


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        pytest.param({TIER_LABEL: "Basement"}, TIER_LABEL, id="tier"),
        pytest.param({SECURITY_LABEL: "Secret"}, SECURITY_LABEL, id="security level"),
    ],
)
def test_a_label_that_means_nothing_is_told_on_the_node(labels: dict[str, str], names: str) -> None:
    (told,) = register(opted_in(labels), None)
    assert isinstance(told, Emit)
    assert told.type == "Warning"
    assert names in told.note
