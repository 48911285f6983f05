"""The part of object metadata that the operator reads."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from aif.api.base import ApiModel


class OwnerReference(ApiModel):
    """An object that owns another one."""

    kind: str
    name: str
    uid: str
    controller: bool = False


class ObjectMeta(ApiModel):
    """Standard object metadata, less what the operator never reads."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    owner_references: list[OwnerReference] = Field(default_factory=list)
