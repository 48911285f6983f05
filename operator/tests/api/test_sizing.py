"""How large an object can get: the bounds of the schema add up to less than the limit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aif.api.base import total_length
from aif.api.crd import annotated_schema
from aif.api.kinds import KINDS, Kind
from aif.api.sizing import SPEC_LIMIT, largest_json
from aif.api.structural import Schema

ASCII: Schema = {"type": "string", "maxLength": 4, "pattern": "^[a-z]*$"}
UNICODE: Schema = {"type": "string", "maxLength": 4}
NUMBER: Schema = {"type": "integer", "minimum": -10, "maximum": 999}
QUANTITY: Schema = {"x-kubernetes-int-or-string": True, "maxLength": 8}

EXACT = [
    pytest.param(ASCII, "aaaa", id="ASCII"),
    pytest.param(UNICODE, "\U0001f600" * 4, id="any text"),
    pytest.param(NUMBER, 999, id="integer"),
    pytest.param(QUANTITY, "11111111", id="quantity"),
    pytest.param({"type": "boolean"}, False, id="truth value"),
    pytest.param({"type": "string", "enum": ["Low", "Medium"]}, "Medium", id="enumeration"),
]


def bytes_of(value: Any) -> int:  # noqa: ANN401 - JSON
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


@pytest.mark.parametrize(("schema", "value"), EXACT)
def test_the_largest_value_is_counted_in_bytes(schema: Schema, value: object) -> None:
    assert largest_json(schema) == bytes_of(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({"type": "array", "maxItems": 3, "items": ASCII}, ["aaaa"] * 3, id="list"),
        pytest.param({"type": "object", "properties": {"x": ASCII, "y": NUMBER}}, {"x": "aaaa", "y": 999}, id="object"),
        pytest.param(
            {"type": "object", "maxProperties": 2, "x-aif-key-length": 3, "additionalProperties": ASCII},
            {"abc": "aaaa", "abd": "aaaa"},
            id="map",
        ),
        pytest.param(
            {"type": "object", "properties": {"x": ASCII, "y": UNICODE}, "x-aif-exclusive": ["x", "y"]},
            {"y": "\U0001f600" * 4},
            id="exactly one of",
        ),
        pytest.param(
            {"type": "array", "maxItems": 3, "items": UNICODE, **total_length(6)},
            ["\U0001f600" * 4, "\U0001f600" * 2, ""],
            id="length bounded over a list",
        ),
    ],
)
def test_what_is_put_together_is_never_underestimated(schema: Schema, value: object) -> None:
    assert bytes_of(value) <= largest_json(schema) <= bytes_of(value) + 3


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_spec_can_reach_the_limit(kind: Kind) -> None:
    assert largest_json(annotated_schema(kind)["properties"]["spec"]) < SPEC_LIMIT
