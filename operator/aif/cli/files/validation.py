"""Objects of the project's kinds, judged as strictly as the API server and ``kubectl --validate=strict`` judge them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from aif.api.base import API_VERSION, ApiModel, ObjectName
from aif.api.crd import annotated_schema
from aif.api.kinds import Kind
from aif.api.structural import Schema
from aif.cli.files import faults
from aif.cli.files.documents import Document
from aif.cli.files.rules import violations

_NAME: Final = TypeAdapter[str](ObjectName)

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
        return ": ".join(filter(None, (self.where, self.field, self.reason)))


def problems(document: Document, kind: Kind) -> list[Problem]:
    """Return all that is wrong with ``document`` as an object of ``kind``; nothing where an API server takes it.

    Rules across fields are judged only where each field by itself is right.
    """
    if document.api_version != API_VERSION:
        return [Problem(document.title, "apiVersion", f"must be {API_VERSION}, not {document.api_version or 'absent'}")]
    schema = _schema(kind)
    asked = {name: document.body.get(name) for name in ("metadata", "spec")}
    return [Problem(document.title, field, reason) for field, reason in _faults(asked, kind, schema)]


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
        yield "metadata.name", faults.reason(error.errors()[0], {})
        named["metadata"] = {"name": "unnamed"}
    try:
        accepted = kind.model.model_validate_json(json.dumps(named), strict=True, extra="forbid")
    except ValidationError as error:
        yield from ((faults.path(fault["loc"]), faults.reason(fault, schema)) for fault in error.errors())
        return
    filled = accepted.to_dict()
    yield from violations(schema, {"metadata": named["metadata"], "spec": filled["spec"]})
