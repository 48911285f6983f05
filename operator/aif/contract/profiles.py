"""Metric profiles: in which words a serving runtime tells what a contract is about; the administrator's to write.

A query answers for all services at once: it gives a vector with the labels ``namespace`` and ``aiservice``, and with
``copy`` where a move needs both copies told apart. No name of a user ever becomes part of a query.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from aif.api.qos import LatencyIndicator

QUERY_CHARACTERS: Final = 2000
_PLACEHOLDERS: Final = frozenset({"window", "by"})


class Point(StrEnum):
    """Where a latency is measured."""

    SERVER = "Server"
    GATEWAY = "Gateway"
    CLIENT = "Client"


class Signal(StrEnum):
    """What a query tells, in SI units."""

    REQUEST_SECONDS = "requestSeconds"
    FIRST_TOKEN_SECONDS = "firstTokenSeconds"
    OUTPUT_TOKEN_SECONDS = "outputTokenSeconds"
    COMPUTE_SECONDS = "computeSeconds"
    REQUESTS = "requests"
    SUCCESS_SHARE = "successShare"
    ACCURACY = "accuracy"
    JOULES_PER_REQUEST = "joulesPerRequest"
    JITTER_SECONDS = "jitterSeconds"
    LINK_RELIABILITY = "linkReliability"
    SAMPLED_AT = "sampledAt"
    BUCKETS = "buckets"
    UE_SITE = "ueSite"


LATENCIES: Final = {
    LatencyIndicator.REQUEST: Signal.REQUEST_SECONDS,
    LatencyIndicator.FIRST_TOKEN: Signal.FIRST_TOKEN_SECONDS,
    LatencyIndicator.OUTPUT_TOKEN: Signal.OUTPUT_TOKEN_SECONDS,
}
"""What tells each indicator of a latency."""

SIGNALS: Final = {
    "energy": Signal.JOULES_PER_REQUEST,
    "accuracy": Signal.ACCURACY,
    "availability": Signal.SUCCESS_SHARE,
    "jitter": Signal.JITTER_SECONDS,
    "reliability": Signal.LINK_RELIABILITY,
}
"""What tells each other dimension."""

ALL: Final = "namespace, aiservice"
EACH_COPY: Final = "namespace, aiservice, copy"

Query = Annotated[str, Field(min_length=1, max_length=QUERY_CHARACTERS)]


class Profile(BaseModel):
    """How one serving runtime is asked.

    A query may hold ``$window`` (such as ``300s``) and must group by ``$by``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)

    name: Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")]
    """What ``spec.metrics.profile`` of an AIService says."""

    title: Annotated[str, Field(max_length=200)] = ""
    """What it is for."""

    point: Point
    """Where latencies are measured; at the server the way to the users is added as predicted."""

    per_copy: bool = False
    """Whether the queries can tell copies apart."""

    queries: Annotated[dict[Signal, Query], Field(min_length=1)]
    """What can be told; what is left out stays unknown."""

    @field_validator("queries")
    @classmethod
    def _check(cls, queries: dict[Signal, str]) -> dict[Signal, str]:
        for signal, query in queries.items():
            used = set(re.findall(r"\$\{?(\w+)\}?", query)) - {"1", "2", "3", "4"}
            if not used <= _PLACEHOLDERS:
                raise ValueError(
                    f"{signal}: unknown placeholder ${min(used - _PLACEHOLDERS)}; there are $window and $by"
                )
            if "$by" not in query:
                raise ValueError(f"{signal}: the query must group by $by, as in sum by ($by) (...)")
        return queries

    def query(self, signal: Signal, window_seconds: int, by: str = ALL) -> str | None:
        """Return the query for ``signal`` over a window; None where this runtime does not tell it."""
        template = self.queries.get(signal)
        return template and template.replace("$window", f"{window_seconds}s").replace("$by", by)


class ProfileSet(BaseModel):
    """A file of profiles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profiles: Annotated[list[Profile], Field(max_length=100)]
    """The profiles; a later one of the same name replaces an earlier one."""
