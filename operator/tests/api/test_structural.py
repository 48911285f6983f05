"""The generator says every model in a structural schema, or says which field it cannot, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import ConfigDict, Field, create_model

from aif.api.base import LIST_SET, ApiModel, cel, exactly_one_of, list_map, total_length
from aif.api.quantity import Capacity
from aif.api.structural import Schema, SchemaError, defaults_of, structural

Text = Annotated[str, Field(max_length=8)]


class Inner(ApiModel):
    """An inner object."""

    model_config = ConfigDict(json_schema_extra=cel(("self.size > 0", "of the class")))

    size: Annotated[int, Field(ge=0, le=9)] = 3
    """Its size."""

    text: Text | None = None
    """Its text."""


class Tree(ApiModel):
    """An object that contains itself."""

    below: Optional[Tree] = None  # noqa: UP045 - a forward reference
    """What is below."""


class Colour(StrEnum):
    """A colour."""

    RED = "Red"
    BLUE = "Blue"


def a_model(annotation: Any, default: Any = ..., description: str | None = "A field.") -> type[ApiModel]:  # noqa: ANN401
    field = Field(default, description=description)
    model: type[ApiModel] = create_model("Model", __base__=ApiModel, some_field=(annotation, field))
    return model


def schema_of(model: type[ApiModel]) -> Schema:
    raw = model.model_json_schema()
    return structural(raw, raw.get("$defs", {}), "spec")


def field_of(annotation: Any, default: Any = ...) -> Schema:  # noqa: ANN401
    field: Schema = schema_of(a_model(annotation, default))["properties"]["someField"]
    return field


REFUSED = [
    pytest.param(Text | int, "a union", id="union"),
    pytest.param(Inner | Colour, "a union", id="union of objects"),
    pytest.param(Annotated[tuple[int, int], Field(max_length=2)], "a tuple or a set", id="tuple"),
    pytest.param(Annotated[set[Text], Field(max_length=2)], "a tuple or a set", id="set"),
    pytest.param(Any, "name a bounded type", id="anything"),
    pytest.param(float, "number has no place", id="float"),
    pytest.param(dict[str, Any], "a free-form object", id="free-form object"),
    pytest.param(dict[str, Text], "no maxProperties", id="map without a bound"),
    pytest.param(str, "no maxLength", id="text without a bound"),
    pytest.param(list[Text], "no maxItems", id="list without a bound"),
    pytest.param(Annotated[list[str], Field(max_length=2)], "no maxLength", id="list of texts without a bound"),
    pytest.param(int, "without a lowest and a highest value", id="integer without a bound"),
    pytest.param(Annotated[int, Field(ge=0)], "without a lowest and a highest value", id="integer without a maximum"),
    pytest.param(Annotated[int, Field(ge=0, le=9, multiple_of=2)], "multipleOf cannot be said", id="unknown word"),
    pytest.param(Tree, "Tree contains itself", id="circle"),
    pytest.param(
        Annotated[list[Inner], Field(max_length=2, json_schema_extra=list_map("text"))],
        "must be required, or have a default",
        id="key of a list that may be absent",
    ),
]


@pytest.mark.parametrize(("annotation", "complaint"), REFUSED)
def test_what_has_no_structural_schema_is_refused_by_its_path(annotation: Any, complaint: str) -> None:  # noqa: ANN401
    with pytest.raises(SchemaError, match=complaint) as refusal:
        schema_of(a_model(annotation))
    assert str(refusal.value).startswith("spec.someField")


def test_a_field_without_a_docstring_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"spec\.someField: no description"):
        schema_of(a_model(Text, description=None))


def test_a_default_that_differs_from_those_of_its_fields_is_refused() -> None:
    with pytest.raises(SchemaError, match="differs from those of its fields"):
        field_of(Inner, Inner(size=5))


def test_an_optional_field_is_the_field_itself() -> None:
    assert field_of(Text | None, None) == {"description": "A field.", "type": "string", "maxLength": 8}


def test_a_reference_is_written_out_and_the_words_of_the_field_go_first() -> None:
    field = field_of(Inner)
    assert field["description"] == "A field."
    assert field["properties"]["size"] == {
        "description": "Its size.",
        "type": "integer",
        "format": "int32",
        "default": 3,
        "minimum": 0,
        "maximum": 9,
    }


def test_rules_of_a_class_and_of_its_field_stand_together() -> None:
    annotation = Annotated[Inner, Field(json_schema_extra=cel(("self.size < 9", "of the field")))]
    messages = [rule["message"] for rule in field_of(annotation)["x-kubernetes-validations"]]
    assert messages == ["of the class", "of the field"]


def test_the_default_of_an_object_holds_those_of_its_fields() -> None:
    field = field_of(Inner, Inner())
    assert field["default"] == {"size": 3} == defaults_of(field)


def test_a_constant_is_an_enumeration_of_one() -> None:
    assert field_of(Literal["Ed25519"])["enum"] == ["Ed25519"]


def test_an_enumeration_lists_its_values() -> None:
    assert field_of(Colour, Colour.RED) == {
        "description": "A field.",
        "type": "string",
        "enum": ["Red", "Blue"],
        "default": "Red",
    }


def test_an_exclusive_bound_is_spelt_as_openapi_3_0_does() -> None:
    field = field_of(Annotated[int, Field(gt=0, lt=10)])
    assert (field["minimum"], field["exclusiveMinimum"]) == (0, True)
    assert (field["maximum"], field["exclusiveMaximum"]) == (10, True)


@pytest.mark.parametrize(
    ("high", "width"), [pytest.param(2**31 - 1, "int32", id="narrow"), pytest.param(2**31, "int64", id="wide")]
)
def test_an_integer_says_how_wide_it_is(high: int, width: str) -> None:
    assert field_of(Annotated[int, Field(ge=0, le=high)])["format"] == width


def test_a_quantity_is_an_integer_or_a_text() -> None:
    field = field_of(Capacity)
    assert field["x-kubernetes-int-or-string"] is True
    assert field["maxLength"] == 32
    assert "type" not in field


def test_markers_for_lists_reach_the_schema() -> None:
    assert field_of(Annotated[list[Text], Field(max_length=2, json_schema_extra=LIST_SET)])[
        "x-kubernetes-list-type"
    ] == ("set")


def test_the_rule_of_exactly_one_names_its_members() -> None:
    marker = exactly_one_of("left", "rightHand")
    assert marker["x-kubernetes-validations"] == [
        {
            "rule": "[has(self.left), has(self.rightHand)].filter(given, given).size() == 1",
            "message": "needs exactly one of left, rightHand",
        }
    ]


def test_the_rule_on_total_length_says_how_many_characters() -> None:
    (rule,) = total_length(64, "value")["x-kubernetes-validations"]
    assert rule["message"] == "value of all entries together must have at most 64 characters"
    assert rule["rule"] == "self.map(entry, has(entry.value) ? entry.value.size() : 0).sum() <= 64"
