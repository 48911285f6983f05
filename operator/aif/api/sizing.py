"""How large an object can get within the bounds of its schema: etcd, watches and CEL costs depend on it."""

from __future__ import annotations

import re
from typing import Final

from aif.api.structural import Schema

SPEC_LIMIT: Final = 64 * 1024
"""No spec can be larger, in bytes of JSON."""

_UTF8: Final = 4
_TEXT: Final = re.compile(r"\[\^")
"""A pattern that excludes characters leaves all of Unicode; one that lists them is ASCII."""


def largest_json(schema: Schema) -> int:
    """Return the bytes of the largest JSON that `schema` (with the generator's markers) admits.

    Text is counted in UTF-8, four bytes for a character where any may stand; JSON's own escapes are not counted.
    """
    if "enum" in schema:
        return max(len(str(value)) for value in schema["enum"]) + 2
    if schema.get("x-kubernetes-int-or-string"):
        return int(schema["maxLength"]) + 2
    sizes = {"object": _object, "array": _array, "string": _string, "integer": _integer}
    size = sizes.get(schema["type"])
    return len("false") if size is None else size(schema)


def _object(schema: Schema) -> int:
    if "additionalProperties" in schema:
        entry = schema["x-aif-key-length"] + len('"":,') + largest_json(schema["additionalProperties"])
        return 2 + int(schema["maxProperties"]) * int(entry)
    fields = {name: len(f'"{name}":,') + largest_json(field) for name, field in schema["properties"].items()}
    exclusive = [fields.pop(name) for name in schema.get("x-aif-exclusive", ())]
    return 2 + sum(fields.values()) + max(exclusive, default=0)


def _array(schema: Schema) -> int:
    items = schema["items"]
    shared = schema.get("x-aif-total-length", 0) * _UTF8
    if not shared:
        return 2 + int(schema["maxItems"]) * (1 + largest_json(items))
    return 2 + int(schema["maxItems"]) * (1 + largest_json(_emptied(items, schema["x-aif-total-member"]))) + int(shared)


def _emptied(items: Schema, member: str) -> Schema:
    """Return the schema of a list's items without the text whose length is bounded over the whole list."""
    if not member:
        return items | {"maxLength": 0}
    return items | {"properties": items["properties"] | {member: items["properties"][member] | {"maxLength": 0}}}


def _string(schema: Schema) -> int:
    width = _UTF8 if _TEXT.search(schema.get("pattern", "[^")) else 1
    return 2 + width * int(schema["maxLength"])


def _integer(schema: Schema) -> int:
    return max(len(str(schema["minimum"])), len(str(schema["maximum"])))
