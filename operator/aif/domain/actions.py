"""What a decision asks of the world, as values: gateways carry them out in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aif.domain.cluster import ObjectReference


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply of the full intent for one object, ``apiVersion`` and ``kind`` included.

    Attributes:
        body: The intent.
        known: Whether the object was seen, and is ours; else one of its name may be somebody else's.
    """

    body: Mapping[str, Any]
    known: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Deletion of exactly the object that was seen: a newer one of that name stays."""

    target: ObjectReference
    resource_version: str


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Replacement of the whole status of one object, refused where the uid is another."""

    target: ObjectReference
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Emit:
    """An event on one object (events.k8s.io/v1)."""

    regarding: ObjectReference
    type: Literal["Normal", "Warning"]
    reason: str
    action: str
    note: str


@dataclass(frozen=True, slots=True)
class MakeCertificates:
    """Creation of a Secret with a new authority, and a certificate of it for each role; one that is there stays.

    Attributes:
        body: The Secret, without its data.
        names: Names under which each role is dialled, by role.
    """

    body: Mapping[str, Any]
    names: Mapping[str, tuple[str, ...]]


Action = Apply | Delete | WriteStatus | Emit | MakeCertificates
