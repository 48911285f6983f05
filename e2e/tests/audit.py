"""The API server's audit log: who did what."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from operator_account import USER

WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_CREDENTIAL: Final = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request of the operator's account."""

    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    status: int
    credential: str
    """Which replica's token it bore."""
    at: str
    """When it was received, to the microsecond in UTC; sorts as text."""
    body: Any
    message: str
    """What the API server said, where it refused."""
    permitted: bool
    """Whether the account's rights cover it; what an admission rule refuses is permitted all the same."""

    @property
    def is_write(self) -> bool:
        """Whether it may have changed anything."""
        return self.verb in WRITES

    @property
    def succeeded(self) -> bool:
        """Whether it was carried out."""
        return 200 <= self.status < 300

    @property
    def kind(self) -> str:
        """The resource as RBAC names it, with its group."""
        path = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f"{path}.{self.group}" if self.group else path

    @property
    def rights(self) -> set[tuple[str, str]]:
        """The rights that it takes, as kind and verb; to apply what is not there is to create as well."""
        created = self.verb == "patch" and self.status == 201
        return {(self.kind, self.verb), *([(self.kind, "create")] if created else [])}

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}".strip("/")
        return f"{self.at} {self.verb} {self.kind} {where} -> {self.status} {self.message}".rstrip()


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit log of a cluster, and where in it to begin."""

    path: Path
    start: int = 0
    credential: str = ""
    """The one replica whose requests count; all when empty."""

    def from_now(self) -> Audit:
        """Return the log from this moment on."""
        return Audit(self.path, self.path.stat().st_size)

    def by(self, credential: str) -> Audit:
        """Return the log of one replica."""
        return replace(self, credential=credential)

    def entries(self) -> Iterator[Entry]:
        """Yield the requests of the operator's account that were answered, in the order of the log."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            for line in file:
                # The last line may still be being written.
                if USER.encode() in line and line.endswith(b"\n"):
                    raw = json.loads(line)
                    if raw["user"]["username"] == USER and raw["stage"] in ("ResponseComplete", "ResponseStarted"):
                        entry = _entry(raw)
                        if self.credential in ("", entry.credential):
                            yield entry

    def writes(self) -> list[Entry]:
        """Return the operator's writes, those of its Leases left out."""
        return [entry for entry in self.entries() if entry.is_write and entry.resource != "leases"]


@dataclass(frozen=True, slots=True)
class Audits:
    """The logs of all clusters in which the operator ran, noted in a folder, so that several runs may share it."""

    folder: Path

    @property
    def logs(self) -> list[Audit]:
        """The logs counted in so far."""
        notes = [json.loads(note.read_text()) for note in sorted(self.folder.glob("*.json"))]
        return [Audit(Path(note["path"]), note["start"], note["credential"]) for note in notes]

    def add(self, audit: Audit | None) -> None:
        """Count a log in; a cluster that is not embedded has none."""
        if audit is not None:
            note = {"path": str(audit.path), "start": audit.start, "credential": audit.credential}
            (self.folder / f"{uuid.uuid4()}.json").write_text(json.dumps(note))

    def keep(self, log: Path) -> None:
        """Count in a log that is about to be removed."""
        self.add(Audit(Path(shutil.copy(log, self.folder / f"{uuid.uuid4()}.log"))))

    def entries(self) -> Iterator[Entry]:
        """Yield the requests of all clusters, one cluster after the other."""
        for log in self.logs:
            yield from log.entries()

    def writes(self) -> list[Entry]:
        """Return the operator's writes, those of its Leases left out."""
        return [entry for log in self.logs for entry in log.writes()]


def _entry(raw: dict[str, Any]) -> Entry:
    where, answer = raw.get("objectRef") or {}, raw.get("responseStatus") or {}
    return Entry(
        verb=raw["verb"],
        group=where.get("apiGroup", ""),
        resource=where.get("resource", ""),
        subresource=where.get("subresource", ""),
        namespace=where.get("namespace", ""),
        name=where.get("name", ""),
        status=answer.get("code", 0),
        credential=next(iter((raw["user"].get("extra") or {}).get(_CREDENTIAL, [])), ""),
        at=raw["requestReceivedTimestamp"],
        body=raw.get("requestObject"),
        message=answer.get("message", ""),
        permitted=raw.get("annotations", {}).get("authorization.k8s.io/decision") != "forbid",
    )
