"""From the JSON Schema that pydantic writes to the structural OpenAPI v3 that an API server takes.

What an API server would refuse, or could not hold within its cost limits for CEL, is refused here already, with the
path of the field: unions, tuples, sets, floats, free-form objects, circles, fields without a bound or a description.
"""

from __future__ import annotations

import copy
from typing import Any, Final

Schema = dict[str, Any]

RULES: Final = "x-kubernetes-validations"
INTERNAL: Final = "x-aif-"
"""Prefix of markers for the generator itself; none of them reaches the API server."""

_INT32: Final = 2**31
_KEPT: Final = (
    "description",
    "type",
    "format",
    "enum",
    "default",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "maxProperties",
    "required",
    "properties",
    "items",
    "additionalProperties",
)
"""What a structural schema may say, in the order in which a person reads it."""

_DROPPED: Final = frozenset({"propertyNames", "title"})
_MAXIMA: Final = {"string": "maxLength", "array": "maxItems", "object": "maxProperties"}


class SchemaError(ValueError):
    """A model that has no structural schema; the message names the field and what to do."""


def structural(node: Schema, definitions: dict[str, Schema], path: str) -> Schema:
    """Return `node`, a piece of pydantic's JSON Schema, as a structural schema.

    Args:
        node: The piece.
        definitions: What its `$ref` point to, by name.
        path: Where the piece stands, for messages.

    Raises:
        SchemaError: The piece cannot be said in a structural schema, or lacks a bound or a description.
    """
    return _convert(_inline(copy.deepcopy(node), definitions, path, ()), path)


def rules_of(schema: Schema) -> list[dict[str, str]]:
    """Return the CEL rules that stand directly at `schema`."""
    rules: list[dict[str, str]] = schema.get(RULES, [])
    return rules


def _inline(node: Schema, definitions: dict[str, Schema], path: str, seen: tuple[str, ...]) -> Schema:
    """Replace every `$ref` below `node` by what it points to; what stands beside the `$ref` goes first."""
    while "$ref" in node:
        name = str(node.pop("$ref")).rsplit("/", 1)[1]
        if name in seen:
            raise SchemaError(f"{path}: {name} contains itself; a structural schema has no circles")
        seen = (*seen, name)
        node = _merge(copy.deepcopy(definitions[name]), node)
    return {key: _inline_below(key, value, definitions, path, seen) for key, value in node.items() if key != "$defs"}


def _inline_below(
    key: str,
    value: Any,  # noqa: ANN401 - JSON
    definitions: dict[str, Schema],
    path: str,
    seen: tuple[str, ...],
) -> Any:  # noqa: ANN401 - JSON
    if key == "properties":
        return {name: _inline(field, definitions, f"{path}.{name}", seen) for name, field in value.items()}
    if isinstance(value, dict):
        return _inline(value, definitions, path, seen)
    if isinstance(value, list):
        return [_inline_below("", entry, definitions, path, seen) for entry in value]
    return value


def _merge(below: Schema, above: Schema) -> Schema:
    merged = below | above
    if rules := [*rules_of(below), *rules_of(above)]:
        merged[RULES] = rules
    return merged


def _convert(node: Schema, path: str) -> Schema:
    node = _without_null(node, path)
    if node.get("x-kubernetes-int-or-string"):
        return _checked({key: value for key, value in node.items() if key not in {"type", "anyOf"}}, path)
    if "const" in node:
        node = node | {"enum": [node["const"]]}
        del node["const"]
    converter = {"object": _object, "array": _array, "string": _string, "integer": _integer, "boolean": _checked}
    kind = node.get("type")
    if not isinstance(kind, str) or kind not in converter:
        raise SchemaError(f"{path}: {kind or 'an untyped value'} has no place in a kind; name a bounded type")
    return converter[kind](node, path)


def _without_null(node: Schema, path: str) -> Schema:
    """Return an optional field as the field itself: absent is how Kubernetes says None."""
    if "anyOf" in node and not node.get("x-kubernetes-int-or-string"):
        kinds = [kind for kind in node["anyOf"] if kind.get("type") != "null"]
        if len(kinds) != 1:
            raise SchemaError(f"{path}: a union; write optional members and a rule that exactly one of them is set")
        node = _merge(kinds[0], {key: value for key, value in node.items() if key != "anyOf"})
    if node.get("default", ...) is None:
        node = {key: value for key, value in node.items() if key != "default"}
    return node


def _object(node: Schema, path: str) -> Schema:
    if "properties" not in node:
        return _map(node, path)
    properties = {name: _property(field, f"{path}.{name}") for name, field in node["properties"].items()}
    node = {key: value for key, value in node.items() if key != "additionalProperties"} | {"properties": properties}
    if "default" in node:
        node["default"] = _filled_default(node, path)
    return _checked(node, path)


def _property(node: Schema, path: str) -> Schema:
    description = " ".join(str(node.get("description", "")).split())
    if not description:
        raise SchemaError(f"{path}: no description; write a docstring below the field")
    converted = _convert(node, path)
    return {"description": description} | (converted | {"description": description})


def _filled_default(node: Schema, path: str) -> Schema:
    """Return the default of an object with those of its fields: the server judges rules by it as it stands there."""
    given, filled = _prune(node["default"]), defaults_of(node)
    if given != filled:
        raise SchemaError(f"{path}: the default {given} differs from those of its fields; set them at the fields")
    return filled


def _prune(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return `value` without what is absent or empty, at any depth."""
    if not isinstance(value, dict):
        return value
    pruned = {key: _prune(entry) for key, entry in value.items()}
    return {key: entry for key, entry in pruned.items() if entry is not None and entry not in ({}, [])}


def defaults_of(schema: Schema) -> Schema:
    """Return what an API server makes of `{}` at an object with this schema, less what is empty."""
    filled = {
        name: _prune(defaults_of(field) if field.get("type") == "object" else field["default"])
        for name, field in schema.get("properties", {}).items()
        if "default" in field
    }
    return {name: value for name, value in filled.items() if value not in ({}, [])}


def _map(node: Schema, path: str) -> Schema:
    # A structural schema has no patterns for keys: a rule says it, see label_map.
    values = next(iter(node.pop("patternProperties", {}).values()), node.get("additionalProperties"))
    if not isinstance(values, dict):
        raise SchemaError(f"{path}: a free-form object; name its fields, or give the type of its values")
    return _bounded(node | {"additionalProperties": _convert(values, f"{path}.*")}, path)


def _array(node: Schema, path: str) -> Schema:
    if "prefixItems" in node or node.get("uniqueItems"):
        raise SchemaError(f"{path}: a tuple or a set; write a list, with LIST_SET where none may stand twice")
    items = _convert(node.get("items", {}), f"{path}[]")
    for key in node.get("x-kubernetes-list-map-keys", ()):
        if key not in items.get("required", ()) and "default" not in items["properties"].get(key, {}):
            raise SchemaError(f"{path}: the key {key} of the list must be required, or have a default")
    return _bounded(node | {"items": items}, path)


def _string(node: Schema, path: str) -> Schema:
    return _checked(node, path) if "enum" in node else _bounded(node, path)


def _integer(node: Schema, path: str) -> Schema:
    low = node.get("minimum", node.get("exclusiveMinimum"))
    high = node.get("maximum", node.get("exclusiveMaximum"))
    if low is None or high is None:
        raise SchemaError(f"{path}: an integer without a lowest and a highest value; set both")
    small = low >= -_INT32 and high < _INT32
    return _checked(node | {"format": "int32" if small else "int64"}, path)


def _bounded(node: Schema, path: str) -> Schema:
    limit = _MAXIMA[node["type"]]
    if limit not in node:
        raise SchemaError(f"{path}: no {limit}; without it the cost of CEL rules has no bound")
    return _checked(node, path)


def _checked(node: Schema, path: str) -> Schema:
    """Return `node` with what a structural schema knows; anything unforeseen is an error, not a silent loss."""
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(node.get(exclusive), int) and not isinstance(node[exclusive], bool):
            node = node | {inclusive: node[exclusive], exclusive: True}
    kept = {key: value for key, value in node.items() if key not in _DROPPED}
    unknown = [key for key in kept if key not in _KEPT and not key.startswith(("x-kubernetes-", INTERNAL))]
    if unknown:
        raise SchemaError(f"{path}: {', '.join(unknown)} cannot be said in a structural schema")
    extensions = {key: kept[key] for key in sorted(kept.keys() - set(_KEPT))}
    return {key: kept[key] for key in _KEPT if key in kept} | extensions
