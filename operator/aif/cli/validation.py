"""Objects of the project's kinds, judged as strictly as the API server and ``kubectl --validate=strict`` judge them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from aif.api.base import API_VERSION, ApiModel, ObjectName
from aif.api.crd import annotated_schema
from aif.api.kinds import Kind
from aif.api.structural import Schema
from aif.cli.documents import Document
from aif.cli.rules import violations

_NAME: Final = TypeAdapter[str](ObjectName)
_WORDS: Final = {
    "extra_forbidden": "there is no such field",
    "missing": "is required",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}
"""In place of pydantic's own words where those speak of Python."""

M = TypeVar("M", bound=ApiModel)


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of one object.

    Attributes:
        where: File, document, kind and name.
        field: Path of the field as its author writes it.
        reason: What is wrong with it.
    """

    where: str
    field: str
    reason: str

    def __str__(self) -> str:
        """Return the fault in one line."""
        return f"{self.where}: {self.field}: {self.reason}"


def problems(document: Document, kind: Kind) -> list[Problem]:
    """Return all that is wrong with ``document`` as an object of ``kind``; nothing where an API server takes it.

    Rules across fields are judged only where each field by itself is right.
    """
    if document.api_version != API_VERSION:
        return [Problem(document.title, "apiVersion", f"must be {API_VERSION}, not {document.api_version or 'absent'}")]
    schema = _schema(kind)
    asked = {name: document.body.get(name) for name in ("metadata", "spec")}
    faults = list(_faults(asked, kind, schema))
    return [Problem(document.title, field, reason) for field, reason in faults]


@cache
def _schema(kind: Kind) -> Schema:
    return annotated_schema(kind)


def parse(document: Document, model: type[M]) -> M:
    """Return a document without problems as an object of its kind; a status that cannot be read is left out."""
    try:
        return model.model_validate(document.body)
    except ValidationError:
        return model.model_validate({**document.body, "status": {}})


def _faults(asked: Mapping[str, Any], kind: Kind, schema: Schema) -> Iterator[tuple[str, str]]:
    metadata = asked["metadata"] if isinstance(asked["metadata"], Mapping) else {}
    named = {"metadata": {"name": metadata.get("name")}, "spec": asked["spec"]}
    try:
        _NAME.validate_python(metadata.get("name"))
    except ValidationError as error:
        yield "metadata.name", _reason(error.errors()[0], {})
        named["metadata"] = {"name": "unnamed"}
    try:
        accepted = kind.model.model_validate_json(json.dumps(named), strict=True, extra="forbid")
    except ValidationError as error:
        yield from ((_path(fault["loc"]), _reason(fault, schema)) for fault in error.errors())
        return
    filled = accepted.to_dict()
    yield from violations(schema, {"metadata": named["metadata"], "spec": filled["spec"]})


def _path(location: Sequence[str | int]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path.lstrip(".").replace(".[key]", "")


def _reason(fault: ErrorDetails, schema: Schema) -> str:
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
    )
    shown = json.dumps(fault["input"], default=str, ensure_ascii=False)
    return said if shown in said.replace("'", '"') else f"{said}, not {shown[:60]}"


def _suggestion(location: Sequence[str | int], schema: Schema) -> str:
    """Return the field that was probably meant, or all that there are."""
    for part in location[:-1]:
        schema = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
    known = list(schema.get("properties", {}))
    close = get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}" if known else ""
