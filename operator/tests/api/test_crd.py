"""The CustomResourceDefinitions: names, columns, subresources, and that every path leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import pytest
from pydantic import Field, create_model

from aif.api.aiservice import AIService
from aif.api.base import ApiModel, list_map
from aif.api.computenode import ComputeNode
from aif.api.crd import annotated_schema, custom_resource_definition
from aif.api.kinds import AISERVICE, COMPUTENODE, KINDS, TRAININGJOB, Kind
from aif.api.structural import INTERNAL, SchemaError
from aif.api.trainingjob import TrainingJob

OF_METADATA = {".metadata.creationTimestamp"}


class Empty(ApiModel):
    """An object without fields."""


PER_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def version_of(kind: Kind) -> dict[str, Any]:
    version: dict[str, Any] = custom_resource_definition(kind)["spec"]["versions"][0]
    return version


def columns_of(kind: Kind, *, wide: bool) -> list[str]:
    return [column.name for column in kind.columns if column.wide is wide]


def leads_somewhere(schema: dict[str, Any], path: str) -> bool:
    for name in re.sub(r"\[\?\(.*?\)\]", "[]", path).lstrip(".").split("."):
        schema = schema["properties"].get(name.removesuffix("[]"), {})
        if not schema:
            return False
        schema = schema["items"] if name.endswith("[]") else schema
    return True


def keys_below(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from keys_below(entry)


def test_an_aiservice_shows_what_one_asks_first() -> None:
    assert columns_of(AISERVICE, wide=False) == ["Type", "Node", "Tier", "Ready", "QoS", "Reason", "Age"]
    assert columns_of(AISERVICE, wide=True) == ["Predicted", "Target", "Migrations", "URL", "Message"]


def test_a_compute_node_shows_what_one_asks_first() -> None:
    assert columns_of(COMPUTENODE, wide=False) == ["Tier", "Accelerator", "TFLOPS", "Services", "Ready", "Age"]
    assert columns_of(COMPUTENODE, wide=True) == ["Origin", "Node", "Schedulable", "Efficiency", "Power", "Reason"]


def test_a_training_job_shows_what_one_asks_first() -> None:
    assert columns_of(TRAININGJOB, wide=False) == ["Mode", "State", "Round", "Clients", "Metric", "Age"]
    assert columns_of(TRAININGJOB, wide=True) == ["Cut", "Target", "Remaining", "Reason", "Message"]


@pytest.mark.parametrize(
    ("kind", "scope", "names"),
    [
        pytest.param(AISERVICE, "Namespaced", ("aiservices", "aiservice", ["ais"]), id="AIService"),
        pytest.param(COMPUTENODE, "Cluster", ("computenodes", "computenode", ["cn"]), id="ComputeNode"),
        pytest.param(TRAININGJOB, "Namespaced", ("trainingjobs", "trainingjob", ["tj"]), id="TrainingJob"),
    ],
)
def test_a_kind_has_its_names(kind: Kind, scope: str, names: tuple[str, str, list[str]]) -> None:
    spec = custom_resource_definition(kind)["spec"]
    assert spec["scope"] == scope
    assert (spec["names"]["plural"], spec["names"]["singular"], spec["names"]["shortNames"]) == names
    assert spec["names"]["categories"] == ["aif"]


@PER_KIND
def test_every_path_leads_to_a_field(kind: Kind) -> None:
    scale = version_of(kind)["subresources"].get("scale", {})
    paths = {column.path for column in kind.columns} | set(kind.selectable) | set(scale.values())
    schema = annotated_schema(kind)
    assert {path for path in paths - OF_METADATA if not leads_somewhere(schema, path)} == set()


@PER_KIND
def test_a_status_has_no_defaults(kind: Kind) -> None:
    status = version_of(kind)["schema"]["openAPIV3Schema"]["properties"]["status"]
    assert "default" not in set(keys_below(status))


@PER_KIND
def test_no_marker_of_the_generator_reaches_the_server(kind: Kind) -> None:
    assert [key for key in keys_below(custom_resource_definition(kind)) if key.startswith(INTERNAL)] == []


@PER_KIND
def test_metadata_is_left_to_the_server(kind: Kind) -> None:
    assert version_of(kind)["schema"]["openAPIV3Schema"]["properties"]["metadata"] == {"type": "object"}


def test_only_an_aiservice_can_be_scaled() -> None:
    assert version_of(AISERVICE)["subresources"]["scale"] == {
        "specReplicasPath": ".spec.workload.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    assert version_of(COMPUTENODE)["subresources"] == {"status": {}}


def test_kinds_are_those_of_the_models() -> None:
    models = {"AIService": AIService, "ComputeNode": ComputeNode, "TrainingJob": TrainingJob}
    assert {kind.name: kind.model for kind in KINDS} == models


PART = (Empty, Field(description="A part."))
UNDOCUMENTED: type[ApiModel] = create_model("Undocumented", __base__=ApiModel, spec=PART, status=PART)


class Keyed(ApiModel):
    """An entry of a list."""

    name: Annotated[str, Field(max_length=9)] = "x"
    """What tells it apart."""


class KeyedStatus(ApiModel):
    """A status with a list whose key has a default."""

    entries: Annotated[list[Keyed], Field(max_length=9, json_schema_extra=list_map("name"))]
    """The list."""


class Defaulted(ApiModel):
    """A kind with such a status."""

    spec: Empty
    """What is asked for."""

    status: KeyedStatus
    """What became of it."""


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        pytest.param(UNDOCUMENTED, "Undocumented: no docstring", id="kind without a docstring"),
        pytest.param(Defaulted, r"the list keys \['name'\] must be required", id="key with a default in a status"),
    ],
)
def test_a_kind_that_no_server_would_take_is_refused(model: type[ApiModel], complaint: str) -> None:
    with pytest.raises(SchemaError, match=complaint):
        custom_resource_definition(replace(COMPUTENODE, model=model))
