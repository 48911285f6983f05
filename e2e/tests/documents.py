"""Manifests as nested dictionaries, and changes to them by path."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

Document = dict[str, Any]
Key = str | int
Path_ = tuple[Key, ...]

ROOT: Final = Path(__file__).resolve().parents[2]
"""Root of the repository."""

_OBJECTS: Final = Path(__file__).parent / "objects"
ABSENT: Final = object()
"""Stands for a field that is taken away."""


def object_file(name: str) -> Path:
    """Return the file of an object, or of a part of one, that has every field."""
    return _OBJECTS / f"{name}.yaml"


def complete(kind: str) -> Document:
    """Return an object of `kind` with every field of its spec."""
    document: Document = yaml.safe_load(object_file(kind.lower()).read_text())
    return document


def path_of(text: str) -> Path_:
    """Return ``spec.links[0].to`` as the keys that lead there."""
    return tuple(int(key) if key.isdigit() else key for key in text.replace("]", "").replace("[", ".").split("."))


def text_of(path: Path_) -> str:
    """Return the path as the API server spells it."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def changed(document: Document, changes: Mapping[str, Any]) -> Document:
    """Return a copy of `document` with a value at each path; ``ABSENT`` takes a field away."""
    copied = copy.deepcopy(document)
    for text, value in changes.items():
        *way, last = path_of(text)
        place: Any = copied
        for key in way:
            place = place.setdefault(key, {}) if isinstance(place, dict) else place[key]
        if value is ABSENT:
            del place[last]
        else:
            place[last] = value
    return copied
