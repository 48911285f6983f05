"""The objects of the fake API server: versions, history, server-side apply good enough for tests.

Fields are owned leaf by leaf; a list is one leaf. That is coarser than the real thing, which the end-to-end tests use.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str, ...]
Where: TypeAlias = tuple[str, str, str]
"""Collection path without namespace (such as ``/api/v1/pods``), namespace, name."""

IDENTITY = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid")}


class Failure(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class Store:
    """Objects by place, each change with the next resourceVersion, and the history that watches replay."""

    objects: dict[Where, Json] = field(default_factory=dict)
    history: list[tuple[int, Where, str, Json]] = field(default_factory=list)
    version: int = 100
    compacted: int = 0
    """Watches that ask for this version or an older one are refused."""
    owners: dict[Where, dict[str, set[Path]]] = field(default_factory=dict)

    def compact(self) -> None:
        """Forget the history, as etcd does every few minutes."""
        self.history.clear()
        self.compacted = self.version

    def get(self, where: Where) -> Json:
        """Return a copy of the object."""
        if where not in self.objects:
            raise Failure(404, f"{where[0]} {where[2]!r} not found")
        return copy.deepcopy(self.objects[where])

    def create(self, where: Where, body: Mapping[str, Any], manager: str = "test", uid: str = "") -> Json:
        """Store a new object."""
        if where in self.objects:
            raise Failure(409, f"{where[0]} {where[2]!r} already exists")
        body = copy.deepcopy(dict(body))
        metadata = {**body.get("metadata", {}), "name": where[2], "generation": 1}
        metadata["uid"] = uid or str(uuid.uuid4())
        if where[1]:
            metadata["namespace"] = where[1]
        self.owners[where] = {manager: set(_leaves(body)) - IDENTITY}
        return self._commit(where, "ADDED", {**body, "metadata": metadata})

    def replace(self, where: Where, body: Mapping[str, Any], manager: str = "test") -> Json:
        """Store ``body`` over the object, if nobody else wrote since it was read."""
        live = self.get(where)
        if body["metadata"].get("resourceVersion") not in (None, live["metadata"]["resourceVersion"]):
            raise Failure(409, "the object has been modified; please apply your changes to the latest version")
        changed = {path for path, value in _leaves(dict(body)).items() if _leaves(live).get(path) != value}
        for paths in self.owners[where].values():
            paths.difference_update(changed)
        self.owners[where].setdefault(manager, set()).update(changed)
        return self._update(where, live, copy.deepcopy(dict(body)))

    def delete(self, where: Where, preconditions: Mapping[str, str] | None = None) -> None:
        """Remove the object, if it is the one that ``preconditions`` name."""
        live = self.get(where)
        for name, wanted in (preconditions or {}).items():
            if live["metadata"][name] != wanted:
                raise Failure(409, f"the {name} in the precondition ({wanted}) does not match the record")
        del self.objects[where], self.owners[where]
        self._commit(where, "DELETED", live)

    def merge(self, where: Where, patch: Mapping[str, Any]) -> Json:
        """Merge ``patch`` into the object (RFC 7386)."""
        live = self.get(where)
        if patch.get("metadata", {}).get("uid", live["metadata"]["uid"]) != live["metadata"]["uid"]:
            raise Failure(409, "Precondition failed: UID in precondition does not match the object's")
        return self._update(where, live, _merged(live, patch))

    def patch(self, where: Where, steps: list[Json]) -> Json:
        """Carry out a JSON patch (RFC 6902) of the operations test and add, on members of maps."""
        live = self.get(where)
        after = copy.deepcopy(live)
        for step in steps:
            path = tuple(step["path"].strip("/").split("/"))
            if step["op"] == "add":
                _set(after, path, step["value"])
            elif _leaves(live).get(path) != step["value"]:
                raise Failure(422, "the server rejected our request due to an error in our request")
        return self._update(where, live, after)

    def apply(self, where: Where, body: Json, manager: str, *, force: bool) -> Json:
        """Server-side apply: take over what ``body`` holds, give up what ``manager`` held and left out."""
        wanted = {path: value for path, value in _leaves(body).items() if path not in IDENTITY}
        uid = body["metadata"].get("uid")
        if where not in self.objects:
            if uid:
                raise Failure(409, "uid mismatch: no existing object was found")
            return self._show_managers(where, self.create(where, body, manager))
        live = self.get(where)
        if uid and uid != live["metadata"]["uid"]:
            raise Failure(422, f'metadata.uid: Invalid value: "{uid}": field is immutable')
        if not force:
            self._check_owners(where, live, wanted, manager)
        return self._show_managers(where, self._take_over(where, live, wanted, manager))

    def _take_over(self, where: Where, live: Json, wanted: dict[Path, Any], owner: str) -> Json:
        owners = self.owners[where]
        dropped = owners.get(owner, set()) - wanted.keys()
        shared = {path for name, paths in owners.items() if name != owner for path in paths}
        after = copy.deepcopy(live)
        for path in dropped - shared:
            _remove(after, path)
        for path, value in wanted.items():
            _set(after, path, value)
        changed = {path for path, value in wanted.items() if _leaves(live).get(path) != value}
        for name, paths in owners.items():
            if name != owner:
                paths.difference_update(changed)
        owners[owner] = set(wanted)
        return self._update(where, live, after)

    def _check_owners(self, where: Where, live: Json, wanted: dict[Path, Any], owner: str) -> None:
        leaves = _leaves(live)
        for name, paths in self.owners[where].items():
            clash = [path for path in paths & wanted.keys() if leaves.get(path) != wanted[path]]
            if name != owner and clash:
                raise Failure(409, f'Apply failed with conflict with "{name}": .{".".join(min(clash))}')

    def _show_managers(self, where: Where, shown: Json) -> Json:
        applied = [name for name in self.owners[where] if name.startswith("aif")]
        entries = [{"manager": name, "operation": "Apply"} for name in applied]
        self.objects[where]["metadata"]["managedFields"] = entries
        shown["metadata"]["managedFields"] = entries
        return shown

    def _update(self, where: Where, live: Json, after: Json) -> Json:
        after["metadata"] |= {name: live["metadata"][name] for name in ("resourceVersion", "generation", "uid")}
        if after == live:
            return live
        if after.get("spec") != live.get("spec"):
            after["metadata"]["generation"] += 1
        return self._commit(where, "MODIFIED", after)

    def _commit(self, where: Where, kind: str, body: Json) -> Json:
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        if kind != "DELETED":
            self.objects[where] = body
        self.history.append((self.version, where, kind, copy.deepcopy(body)))
        return copy.deepcopy(body)


def _leaves(value: Any, path: Path = ()) -> dict[Path, Any]:  # noqa: ANN401 - any JSON
    if not isinstance(value, dict) or not value:
        return {path: value} if path else {}
    return {leaf: item for name, part in value.items() for leaf, item in _leaves(part, (*path, name)).items()}


def _set(target: Json, path: Path, value: Any) -> None:  # noqa: ANN401 - any JSON
    for name in path[:-1]:
        target = target.setdefault(name, {})
    target[path[-1]] = copy.deepcopy(value)


def _remove(target: Json, path: Path) -> None:
    for name in path[:-1]:
        target = target.get(name, {})
    target.pop(path[-1], None)


def _merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result
