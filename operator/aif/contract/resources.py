"""Resource profiles: how exporters tell how busy pods and nodes are, and from which level on that is pressure.

They stand beside the metric profiles of serving runtimes, so that alarms exist where no runtime tells anything. A query
answers for all pods, or for all nodes, at once; the operator knows itself which pod is of which service.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from aif.contract.profiles import Query

SAMPLED_AT: Final = "sampledAt"
"""Name under which the times of a profile's samples are asked for."""


class Scope(StrEnum):
    """What a row of the answer is about."""

    POD = "Pod"
    NODE = "Node"

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels that every row must bear."""
        return ("namespace", "pod") if self is Scope.POD else ("node",)


class Unit(StrEnum):
    """What a value is."""

    SHARE = "Share"
    WATTS = "Watts"
    BYTES_PER_SECOND = "BytesPerSecond"


_CONFIG: Final = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)


class ResourceQuery(BaseModel):
    """How one resource of pods or of nodes is asked for.

    The query may hold ``$window`` and must group by ``$by``: ``namespace, pod`` or ``node``.
    """

    model_config = _CONFIG

    resource: Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")]
    """What people call it, such as memory."""

    scope: Scope
    """Whether rows are pods or nodes."""

    unit: Unit = Unit.SHARE
    """A share of 0..1, watts, or bytes per second; of a node, watts count as a share of its declared power."""

    query: Query
    """PromQL."""

    window_seconds: Annotated[int, Field(ge=10, le=3600)] = 120
    """What ``$window`` stands for."""

    raise_percent: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Share from which on it is pressure; without it the value is known and raises nothing."""

    clear_percent: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Share at which the pressure is over."""

    for_seconds: Annotated[int, Field(ge=0, le=86_400)] = 60
    """How long the pressure must last."""

    estimated: bool = False
    """Whether the exporter models the value and does not meter it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        used = set(re.findall(r"\$\{?(\w+)\}?", self.query)) - {"1", "2", "3", "4"}
        if not used <= {"window", "by"}:
            raise ValueError(f"query: unknown placeholder ${min(used - {'window', 'by'})}; there are $window and $by")
        if "$by" not in self.query:
            raise ValueError("query: must group by $by, as in sum by ($by) (...)")
        if (self.raise_percent is None) != (self.clear_percent is None):
            raise ValueError("raisePercent and clearPercent: give both levels, or neither")
        if self.raise_percent is not None and not (self.clear_percent or 0) < self.raise_percent:
            raise ValueError("clearPercent: must lie below raisePercent, else an alarm flaps")
        return self

    @property
    def text(self) -> str:
        """Return the query as it is asked."""
        return self.query.replace("$window", f"{self.window_seconds}s").replace("$by", ", ".join(self.scope.labels))


class ResourceProfile(BaseModel):
    """What one exporter tells."""

    model_config = _CONFIG

    name: Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")]
    """A later profile of the same name replaces an earlier one."""

    title: Annotated[str, Field(max_length=200)] = ""
    """What it is for."""

    resources: Annotated[list[ResourceQuery], Field(max_length=32)]
    """What it tells; nothing turns the exporter off."""

    sampled_at: dict[Scope, Query] = Field(default_factory=dict)
    """When the rows of each scope were sampled; rows that are older than a minute are not believed."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        untimed = {each.scope for each in self.resources} - self.sampled_at.keys()
        if untimed:
            raise ValueError(f"sampledAt.{min(untimed)}: say when these rows were sampled, as in timestamp(...)")
        return self

    def times(self, scope: Scope) -> str:
        """Return the query for the times of the samples, as it is asked."""
        return self.sampled_at[scope].replace("$by", ", ".join(scope.labels))


class ResourceProfileSet(BaseModel):
    """A file of resource profiles."""

    model_config = _CONFIG

    resource_profiles: Annotated[list[ResourceProfile], Field(max_length=100)]
    """The profiles."""


class Asked(NamedTuple):
    """One query with the profile that it is of."""

    profile: ResourceProfile
    query: ResourceQuery


def asked_of(profiles: Iterable[ResourceProfile]) -> tuple[Asked, ...]:
    """Return all queries.

    Raises:
        ValueError: Two profiles tell of the same resource in the same scope.
    """
    found: dict[tuple[Scope, str], Asked] = {}
    for each in _each(profiles):
        key = (each.query.scope, each.query.resource)
        if key in found:
            raise ValueError(
                f"{found[key].profile.name} and {each.profile.name} both tell {key[1]} of a {key[0]}: leave one out"
            )
        found[key] = each
    return tuple(found.values())


def _each(profiles: Iterable[ResourceProfile]) -> Iterator[Asked]:
    return (Asked(profile, query) for profile in profiles for query in profile.resources)
