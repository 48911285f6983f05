"""The API reference as Markdown, made of the same schema that the API server gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aif.api.base import API_VERSION
from aif.api.crd import annotated_schema
from aif.api.kinds import Kind
from aif.api.sizing import largest_json
from aif.api.structural import Schema, rules_of

_INTRODUCTION: Final = f"""\
# API reference

Group and version `{API_VERSION}`. Fields in **bold** are required. In a path `[]` stands for an item of a list and `.*`
for a value of a map. A quantity is an integer or a text such as `500m`, `4Gi` or `31G`. `kubectl explain` prints the
same text.
"""

_BOUNDS: Final = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} entries"),
    ("maxItems", "at most {} entries"),
    ("maxProperties", "at most {} entries"),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the reference: where the field stands, its schema, and whether it must be given."""

    path: str
    schema: Schema
    required: bool


def fields_of(schema: Schema, path: str, *, required: bool = False) -> Iterator[Field]:
    """Yield the field at `path` and all below it, in the order of the model."""
    yield Field(path, schema, required)
    for name, field in schema.get("properties", {}).items():
        yield from fields_of(field, f"{path}.{name}", required=name in schema.get("required", ()))
    for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        inner = schema.get(key, {})
        if "properties" in inner:
            yield from list(fields_of(inner, path + suffix))[1:]


def rules_below(schema: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield the path, the CEL expression and the message of every rule of a schema."""
    yield from ((path, rule["rule"], rule["message"]) for rule in rules_of(schema))
    for name, field in schema.get("properties", {}).items():
        yield from rules_below(field, f"{path}.{name}".lstrip("."))
    for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        if key in schema:
            yield from rules_below(schema[key], path + suffix)


def api_reference(kinds: tuple[Kind, ...]) -> str:
    """Return the reference of `kinds` as one Markdown document."""
    return "\n".join([_INTRODUCTION, *(_section(kind) for kind in kinds)])


def _section(kind: Kind) -> str:
    schema = annotated_schema(kind)
    spec, status = schema["properties"]["spec"], schema["properties"]["status"]
    return "\n".join(
        [
            f"## {kind.name}",
            "",
            schema["description"],
            "",
            _facts(kind, spec),
            "",
            "### What one asks for",
            "",
            *_table(list(fields_of(spec, "spec", required=True))[1:]),
            "",
            "### Rules",
            "",
            *_rules(schema),
            "",
            "### What the operator answers",
            "",
            *_table(list(fields_of(status, "status"))[1:]),
            "",
        ]
    )


def _facts(kind: Kind, spec: Schema) -> str:
    return (
        f"`kubectl get {kind.plural}`, for short `kubectl get {kind.short_name}`; "
        f"{'in a namespace' if kind.namespaced else 'for the whole cluster'}. "
        f"A spec takes at most {largest_json(spec):,} bytes of JSON."
    )


def _table(fields: list[Field]) -> Iterator[str]:
    yield "| field | type | default | bounds | meaning |"
    yield "|---|---|---|---|---|"
    for field in fields:
        name = f"**`{field.path}`**" if field.required else f"`{field.path}`"
        cells = (name, _type(field.schema), _default(field.schema), _bounds(field.schema), field.schema["description"])
        yield f"| {' | '.join(cells[:-1])} | {_escaped(cells[-1])} |"


def _rules(schema: Schema) -> Iterator[str]:
    yield "| where | what is refused with this message | expression |"
    yield "|---|---|---|"
    for path, rule, message in rules_below(schema, ""):
        yield f"| `{path or 'the object'}` | {_escaped(message)} | `{_escaped(rule)}` |"


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map of {_type(schema['additionalProperties'])}"
    return str(schema["type"])


def _default(schema: Schema) -> str:
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _bounds(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return str(schema.get("x-aif-bounds", ""))
    bounds = [text.format(schema[key]) for key, text in _BOUNDS if key in schema]
    if "minimum" in schema:
        bounds.append(f"{schema['minimum']:,} to {schema['maximum']:,}")
    if "pattern" in schema:
        bounds.append(f"matches `{_escaped(schema['pattern'])}`")
    if keys := schema.get("x-kubernetes-list-map-keys"):
        bounds.append(f"no two with the same {' and '.join(keys)}")
    return ", ".join(bounds + _of_items(schema))


def _of_items(schema: Schema) -> list[str]:
    items: dict[str, Any] = schema.get("items", {})
    return [f"each {bounds}"] if items.get("type") == "string" and (bounds := _bounds(items)) else []


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
