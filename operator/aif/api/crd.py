"""CustomResourceDefinitions, made of the models: there is no second description of a kind."""

from __future__ import annotations

from typing import Any, Final

from aif.api.base import GROUP, VERSION
from aif.api.kinds import CATEGORY, Kind
from aif.api.structural import INTERNAL, RULES, Schema, SchemaError, structural

_TYPE_META: Final[dict[str, Schema]] = {
    "apiVersion": {
        "type": "string",
        "description": "Group and version of the schema that this object follows.",
    },
    "kind": {"type": "string", "description": "Kind of this object."},
    "metadata": {"type": "object"},
}


def custom_resource_definition(kind: Kind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of `kind`, ready for an API server.

    Raises:
        SchemaError: The model of the kind has no structural schema; the message names the field.
    """
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.crd_name},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": _names(kind),
            "versions": [_version(kind)],
        },
    }


def annotated_schema(kind: Kind) -> Schema:
    """Return the structural schema of `kind` with the generator's own markers still in it."""
    raw = kind.model.model_json_schema()
    definitions = raw.get("$defs", {})
    properties = {
        name: structural(_without_default(raw["properties"][name]), definitions, name) for name in ("spec", "status")
    }
    properties["status"] = _without_defaults(properties["status"])
    root = {
        "description": _sentence(raw.get("description", ""), kind.name),
        "type": "object",
        "required": ["spec"],
        "properties": _TYPE_META | properties,
    }
    return root | ({RULES: raw[RULES]} if RULES in raw else {})


def _sentence(text: str, kind: str) -> str:
    if not text:
        raise SchemaError(f"{kind}: no docstring, so `kubectl explain` has nothing to say")
    return " ".join(text.split())


def _without_default(node: Schema) -> Schema:
    return {key: value for key, value in node.items() if key != "default"}


def _without_defaults(node: Schema) -> Schema:
    """Return the schema of a status, in which nothing stands that the operator did not write."""
    bare = _without_default(node)
    if "properties" in bare:
        bare["properties"] = {name: _without_defaults(field) for name, field in bare["properties"].items()}
    if "items" in bare:
        keys = bare.get("x-kubernetes-list-map-keys", [])
        bare["items"] = _without_defaults(bare["items"])
        missing = [key for key in keys if key not in bare["items"].get("required", [])]
        if missing:
            raise SchemaError(f"status: the list keys {missing} must be required, as a status has no defaults")
    return bare


def _names(kind: Kind) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
        "shortNames": [kind.short_name],
        "categories": [CATEGORY],
    }


def _version(kind: Kind) -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _stripped(annotated_schema(kind))},
        "subresources": {"status": {}} | _scale(kind),
        "additionalPrinterColumns": [column.to_dict() for column in kind.columns],
        "selectableFields": [{"jsonPath": path} for path in kind.selectable],
    }


def _scale(kind: Kind) -> dict[str, Any]:
    if kind.scale is None:
        return {}
    return {
        "scale": {
            "specReplicasPath": kind.scale.spec_replicas,
            "statusReplicasPath": kind.scale.status_replicas,
            "labelSelectorPath": kind.scale.selector,
        },
    }


def _stripped(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: _stripped(entry) for key, entry in value.items() if not key.startswith(INTERNAL)}
    if isinstance(value, list):
        return [_stripped(entry) for entry in value]
    return value
