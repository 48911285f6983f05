"""What the demo made, as a file: the only thing that `down` goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from cluster.errors import ClusterError
from cluster.paths import Folders
from cluster.process import ProcessIdentity
from cluster.record import Provider


class Nodes(StrEnum):
    """On what the demo runs."""

    SIMULATED = "simulated"
    """Numbers that the operator reads, and requests by a model of traffic; no root."""

    REAL = "real"
    """Kubelets, containers and requests; root on Linux."""


@dataclass(frozen=True, slots=True)
class Made:
    """An object that was not there before."""

    api_version: str
    kind: str
    name: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Measuring:
    """Processes that measure the services of the demo.

    Attributes:
        prometheus: The Prometheus.
        exporter: What stands for the servers of simulated services.
        port: Where Prometheus answers.
        exporter_port: Where the servers do.
    """

    prometheus: ProcessIdentity
    exporter: ProcessIdentity
    port: int
    exporter_port: int

    @property
    def url(self) -> str:
        """Where Prometheus answers."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class DemoRecord:
    """What the demo started and made, and in which cluster."""

    provider: Provider
    kubeconfig: str | None
    context: str | None
    operator: ProcessIdentity | None = None
    measuring: Measuring | None = None
    nodes: Nodes = Nodes.SIMULATED
    load: ProcessIdentity | None = None
    """What sends requests to real nodes."""
    made: tuple[Made, ...] = ()

    def with_made(self, one: Made) -> Self:
        """The record with one more object."""
        return self if one in self.made else replace(self, made=(*self.made, one))


@dataclass(frozen=True, slots=True)
class Files:
    """Where the demo keeps its record and the operator's log."""

    folder: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Files:
        """The files below the user's state folder."""
        return cls(Folders.of(environ).state / "demo")

    @property
    def record(self) -> Path:
        """What was made."""
        return self.folder / "demo.json"

    @property
    def log(self) -> Path:
        """What the operator said; kept by `down` until the next `up`."""
        return self.folder / "operator.log"

    def log_of(self, part: str) -> Path:
        """What a part that measures said."""
        return self.folder / f"{part}.log"

    @property
    def lock(self) -> Path:
        """Held by whoever brings the demo up or down."""
        return self.folder / ".lock"


_ADAPTER = TypeAdapter(DemoRecord)


def save(files: Files, record: DemoRecord) -> None:
    """Write the record in one go."""
    files.folder.mkdir(parents=True, exist_ok=True)
    fresh = files.record.with_suffix(".partial")
    fresh.write_bytes(_ADAPTER.dump_json(record, indent=2))
    fresh.replace(files.record)


def load(files: Files) -> DemoRecord | None:
    """The record of the demo; None where there is none, ClusterError where it cannot be read."""
    try:
        return _ADAPTER.validate_json(files.record.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise ClusterError(
            f"{files.record} is not readable by this release: end the operator by hand, then remove the file"
        ) from error
