"""What every kind is made of: the frozen model, bounded strings, and markers for the schema generator."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "net4ai.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
FIELD_MANAGER = "aif-operator"


class ApiModel(BaseModel):
    """A frozen part of a kind, camelCase outside and snake_case inside.

    Unknown fields are ignored, so that an old operator survives a new field; attribute docstrings become the
    text of ``kubectl explain``.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
        arbitrary_types_allowed=True,
    )

    def to_dict(self) -> dict[str, Any]:
        """Return the model as Kubernetes shows it: camelCase, without absent fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def cel(*rules: tuple[str, str]) -> dict[str, Any]:
    """Return the schema marker for validation rules, each a CEL expression and the message of its refusal."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules]}


def list_map(*keys: str) -> dict[str, Any]:
    """Return the schema marker of a list whose items are told apart by ``keys`` (camelCase)."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def exactly_one_of(*names: str) -> dict[str, Any]:
    """Return the schema marker of an object in which one field of ``names`` (camelCase) stands, and only one."""
    given = ", ".join(f"has(self.{name})" for name in names)
    rule = (f"[{given}].filter(given, given).size() == 1", f"needs exactly one of {', '.join(names)}")
    return cel(rule) | {"x-aif-exclusive": list(names)}


def total_length(limit: int, member: str | None = None) -> dict[str, Any]:
    """Return the schema marker of a list with at most ``limit`` characters in all, or in all of a ``member``."""
    size = "entry.size()" if member is None else f"has(entry.{member}) ? entry.{member}.size() : 0"
    what = "entries" if member is None else f"{member} of all entries"
    rule = (f"self.map(entry, {size}).sum() <= {limit}", f"{what} together must have at most {limit} characters")
    return cel(rule) | {"x-aif-total-length": limit, "x-aif-total-member": member or ""}


def immutable(name: str) -> dict[str, Any]:
    """Return the schema marker of a field that stays as it was created; one that is required, or has a default."""
    return cel(("self == oldSelf", f"{name} cannot be changed: delete the object and create it anew"))


LIST_SET: dict[str, Any] = {"x-kubernetes-list-type": "set"}
"""Schema marker of a list of scalars in which none stands twice."""


_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
_QUALIFIED = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
)

LABEL_KEY_LENGTH = 317
"""Of a prefix of 253 characters, a slash, and a name of 63."""


def label_map(limit: int) -> dict[str, Any]:
    """Return the schema marker of a map with at most ``limit`` entries, whose keys are label names."""
    rule = (
        f"self.all(key, key.size() <= {LABEL_KEY_LENGTH} && key.matches(r'{_QUALIFIED}'))",
        f"keys must be label names such as topology.kubernetes.io/zone, of at most {LABEL_KEY_LENGTH} characters",
    )
    return cel(rule) | {"maxProperties": limit, "x-aif-key-length": LABEL_KEY_LENGTH}


Name = Annotated[str, Field(min_length=1, max_length=63, pattern=_LABEL)]
"""An RFC 1123 label."""

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=_SUBDOMAIN)]
"""The name of an object in the same namespace, or of a cluster-scoped one."""

ResourceName = Annotated[str, Field(min_length=1, max_length=253, pattern=_QUALIFIED)]
"""A resource or label name such as ``nvidia.com/gpu``."""

LabelValue = Annotated[str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]
ShortText = Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text for people, without control characters."""

Argument = Annotated[str, Field(max_length=512, pattern=r"^[^\x00]*$")]
"""One word of a command line: never passed through a shell."""

HttpPath = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Percent = Annotated[int, Field(ge=0, le=100)]
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
Ppm = Annotated[int, Field(ge=0, le=1_000_000)]
Microseconds = Annotated[int, Field(ge=1, le=3_600_000_000)]
Weight = Annotated[int, Field(ge=0, le=100)]
Watts = Annotated[int, Field(ge=0, le=1_000_000)]


Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A number that the operator writes: the largest one is what JSON carries without loss."""

Timestamp = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
"""A moment as RFC 3339 writes it."""


class Tier(StrEnum):
    """Where a node stands, nearest to the user first ([AIF], [NET4AI])."""

    DEVICE = "Device"
    RAN = "RAN"
    EDGE = "Edge"
    CORE = "Core"
    CLOUD = "Cloud"


class Level(StrEnum):
    """A graded quality, lowest first ([6GANA]: security and privacy have levels, not numbers)."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"

    @property
    def rank(self) -> int:
        """Return 0, 1 or 2, so that levels compare."""
        return ("Low", "Medium", "High").index(self.value)


class Precision(StrEnum):
    """A number format with its own peak rate on each device."""

    FP64 = "FP64"
    FP32 = "FP32"
    TF32 = "TF32"
    BF16 = "BF16"
    FP16 = "FP16"
    FP8 = "FP8"
    INT8 = "INT8"
    INT4 = "INT4"
