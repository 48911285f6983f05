"""What an API server checks beyond types and bounds: CEL rules, keys of lists, sizes of maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

import cel

from aif.api.structural import Schema, rules_of

_EARLIER: Final = "oldSelf"
"""Names the object before a change in rules that are not judged here: there is none."""

Violation = tuple[str, str]
"""Path of the field, and what is wrong with it."""


def violations(schema: Schema, value: Any, path: str = "") -> Iterator[Violation]:  # noqa: ANN401 - JSON
    """Yield what ``value`` breaks of ``schema``; it must have the schema's types, and its defaults filled in."""
    if schema.get("x-kubernetes-int-or-string"):
        return  # a quantity: its own type has parsed it
    for rule in rules_of(schema):
        if _EARLIER not in rule["rule"] and not _holds(rule["rule"], value):
            yield path, rule["message"]
    if isinstance(value, Mapping):
        yield from _of_object(schema, value, path)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from _of_list(schema, value, path)


def _of_object(schema: Schema, value: Mapping[str, Any], path: str) -> Iterator[Violation]:
    if len(value) > schema.get("maxProperties", len(value)):
        yield path, f"has {len(value)} entries, at most {schema['maxProperties']} are allowed"
    fields = schema.get("properties", {})
    for name, entry in value.items():
        below = fields.get(name, schema.get("additionalProperties", {}))
        yield from violations(below, entry, f"{path}.{name}" if path else name)


def _of_list(schema: Schema, value: Sequence[Any], path: str) -> Iterator[Violation]:
    keys = schema.get("x-kubernetes-list-map-keys", ())
    seen: set[tuple[object, ...]] = set()
    for index, entry in enumerate(value):
        identity = tuple(entry.get(key) for key in keys) if keys else (entry,) if _is_set(schema) else (index,)
        if identity in seen:
            named = ", ".join(map(str, identity))
            yield f"{path}[{index}]{'.' + keys[0] if keys else ''}", f"{named} stands twice in this list"
        seen.add(identity)
        yield from violations(schema.get("items", {}), entry, f"{path}[{index}]")


def _is_set(schema: Schema) -> bool:
    return schema.get("x-kubernetes-list-type") == "set"


def _holds(rule: str, value: Any) -> bool:  # noqa: ANN401 - JSON
    context = cel.Context(variables={"self": value})
    context.add_function("sum", sum)
    return bool(_program(rule).execute(context))


@cache
def _program(rule: str) -> cel.Program:
    return cel.compile(rule)
