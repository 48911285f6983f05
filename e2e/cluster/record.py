"""What `up` started, as a file: the only thing that `down` and `status` go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from cluster.errors import ClusterError
from cluster.parts import Health, Options
from cluster.paths import Folders, Layout
from cluster.process import ProcessIdentity


class Provider(StrEnum):
    """Where a cluster comes from."""

    GIVEN = "given"
    KIND = "kind"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class PartRecord:
    """A started part; `version` is the one that its binary was built from."""

    name: str
    version: str
    identity: ProcessIdentity
    health: Health | None


@dataclass(frozen=True, slots=True)
class ClusterRecord:
    """A cluster that `up` started, or was about to start: the ports are recorded before the first part runs.

    `block` numbers the addresses of its real nodes.
    """

    name: str
    provider: Provider
    options: Options
    ports: Mapping[str, int]
    kubectl: Path
    context: str | None = None
    parts: tuple[PartRecord, ...] = field(default=())
    block: int | None = None

    def part(self, name: str) -> PartRecord | None:
        """The started part of this name."""
        return next((part for part in self.parts if part.name == name), None)

    def with_part(self, started: PartRecord) -> ClusterRecord:
        """The record with this part in the place of an earlier one of its name, else at the end."""
        if self.part(started.name) is None:
            return replace(self, parts=(*self.parts, started))
        return replace(self, parts=tuple(started if part.name == started.name else part for part in self.parts))


_ADAPTER = TypeAdapter(ClusterRecord)


def save(layout: Layout, record: ClusterRecord) -> None:
    """Write the record in one go, so that a reader sees the old or the new one."""
    layout.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = layout.record.with_suffix(".partial")
    fresh.write_bytes(_ADAPTER.dump_json(record, indent=2))
    fresh.replace(layout.record)


def load(layout: Layout) -> ClusterRecord | None:
    """The record of a cluster; None where there is none, ClusterError where it cannot be read."""
    try:
        return _ADAPTER.validate_json(layout.record.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise ClusterError(
            f"{layout.record} is not readable by this release ({error.error_count()} errors): "
            f"end its processes by hand, then remove {layout.root}"
        ) from error


def names(folders: Folders) -> list[str]:
    """The clusters that have a record, by name."""
    return sorted(path.parent.name for path in folders.clusters.glob("*/cluster.json"))


def taken_ports(folders: Folders) -> set[int]:
    """The ports of every recorded cluster, running or about to."""
    records = (load(folders.layout(name)) for name in names(folders))
    return {port for record in records if record is not None for port in record.ports.values()}
