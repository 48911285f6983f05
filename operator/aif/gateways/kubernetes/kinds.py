"""AIServices, ComputeNodes and TrainingJobs, read so that a faulty one is a value and no exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from aif.api.aiservice import AIService
from aif.api.base import ApiModel
from aif.api.computenode import ComputeNode
from aif.api.metadata import ObjectMeta
from aif.api.trainingjob import TrainingJob
from aif.domain.cluster import ObjectReference
from aif.errors import InvalidSpec
from aif.gateways.kubernetes.compact import Sharing
from aif.gateways.kubernetes.fields import reference

Kind = TypeVar("Kind", bound=ApiModel)

_SHARING: Final = Sharing()


@dataclass(frozen=True, slots=True)
class Faulty:
    """An object whose spec cannot be read, as after a schema was tightened."""

    reference: ObjectReference
    metadata: ObjectMeta
    path: str
    """Path of the first field at fault, such as ``spec.variants[0].count``."""
    reason: str
    """What is wrong with it."""
    status: Mapping[str, Any] = field(default_factory=dict)
    """The status as it was read."""

    @property
    def error(self) -> InvalidSpec:
        """The fault as an error."""
        return InvalidSpec(self.path, self.reason)


def parse_service(raw: Mapping[str, Any]) -> AIService | Faulty:
    """Return the AIService; without its status where only that cannot be read."""
    return _parse(AIService, raw)


def parse_compute_node(raw: Mapping[str, Any]) -> ComputeNode | Faulty:
    """Return the ComputeNode; without its status where only that cannot be read."""
    return _parse(ComputeNode, raw)


def parse_training_job(raw: Mapping[str, Any]) -> TrainingJob | Faulty:
    """Return the TrainingJob; without its status where only that cannot be read."""
    return _parse(TrainingJob, raw)


def _parse(kind: type[Kind], raw: Mapping[str, Any]) -> Kind | Faulty:
    try:
        return _SHARING.compact(kind.model_validate(dict(raw)))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
    without_status = [fault for fault in faults if fault["loc"][:1] != ("status",)]
    if not without_status:
        return _parse(kind, {name: value for name, value in raw.items() if name != "status"})
    first, status = without_status[0], raw.get("status")
    return Faulty(
        reference=reference(raw),
        metadata=ObjectMeta.model_validate(raw["metadata"]),
        path=field_path(first["loc"]),
        reason=first["msg"],
        status=status if isinstance(status, Mapping) else {},
    )


def field_path(location: tuple[int | str, ...]) -> str:
    """Return where a fault is as its author writes it: ``("spec", "variants", 0, "count")`` as spec.variants[0].count.

    A value that ends in something that is no field, such as the branch of a union, is told as it is.
    """
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return path.removeprefix(".")
