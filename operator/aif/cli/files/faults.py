"""What pydantic finds wrong, put as the author of a file reads it: the field as written there, and the reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from pydantic_core import ErrorDetails

from aif.api.structural import Schema

_WORDS: Final = {
    "extra_forbidden": "there is no such field",
    "missing": "is required",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}
"""In place of pydantic's own words where those speak of Python."""


def path(location: Sequence[str | int]) -> str:
    """Return a place as it is written, such as ``spec.model.cuts[0].name``."""
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return written.lstrip(".").replace(".[key]", "")


def reason(fault: ErrorDetails, schema: Schema) -> str:
    """Return what is wrong; ``schema`` tells which fields there are, with references or without."""
    kind = fault["type"]
    if kind == "extra_forbidden":
        return _WORDS[kind] + _suggestion(fault["loc"], schema)
    if kind in _WORDS or fault["input"] is None:
        # An API server takes null for absent.
        return _WORDS["missing"] if fault["input"] is None else _WORDS[kind]
    said = (
        fault["msg"]
        .removeprefix("Value error, ")
        .replace("Input should", "must", 1)
        .replace("String should", "must", 1)
        .replace("List should", "must", 1)
        .replace(" after validation", "")
    )
    shown = json.dumps(fault["input"], default=str, ensure_ascii=False)
    return said if shown in said.replace("'", '"') else f"{said}, not {shown[:60]}"


def _suggestion(location: Sequence[str | int], schema: Schema) -> str:
    """Return the field that was probably meant, or all that there are."""
    root = schema
    for part in location[:-1]:
        below = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
        schema = _resolved(below, root)
    known = list(schema.get("properties", {}))
    close = get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}" if known else ""


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Return what ``schema`` refers to; of a choice, such as with null, the first that refers to something."""
    choices = [schema, *schema.get("anyOf", ())]
    named = next((choice["$ref"] for choice in choices if "$ref" in choice), None)
    if named is None:
        return next((choice for choice in choices if "items" in choice), schema)
    found: Schema = root.get("$defs", {}).get(named.rpartition("/")[2], {})
    return found
