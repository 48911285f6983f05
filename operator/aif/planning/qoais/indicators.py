"""QoAIS, the quality of an AI service: dimensions, indicators by class, and the resources they rest on ([6GANA]).

An indicator is quantified, graded by level, or without an accepted measure; of the last no number is ever given.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ServiceClass(StrEnum):
    """Classes of AI services that QoAIS is defined for."""

    DATA = "Data"
    TRAINING = "Training"
    INFERENCE = "Inference"
    VALIDATION = "Validation"


class QoaisDimension(StrEnum):
    """What QoAIS evaluates, for each class."""

    PERFORMANCE = "Performance"
    COST = "Cost"
    SECURITY = "Security"
    PRIVACY = "Privacy"
    AUTONOMY = "Autonomy"


class Measure(StrEnum):
    """How an indicator is judged."""

    QUANTIFIED = "Quantified"
    GRADED = "Graded"
    NONE = "NoAcceptedMeasure"


class Resource(StrEnum):
    """Dimensions of resource QoS."""

    DATA = "Data"
    ALGORITHM = "Algorithm"
    COMPUTE = "Compute"
    CONNECTION = "Connection"


@dataclass(frozen=True, slots=True)
class Indicator:
    """A quality of a service.

    Attributes:
        name: In camelCase.
        dimension: What it belongs to.
        measure: How it is judged.
    """

    name: str
    dimension: QoaisDimension
    measure: Measure


def _of(dimension: QoaisDimension, measure: Measure, *names: str) -> tuple[Indicator, ...]:
    return tuple(Indicator(name, dimension, measure) for name in names)


_SHARED: Final = (
    *_of(QoaisDimension.COST, Measure.QUANTIFIED, "storage", "compute", "transfer", "energy"),
    *_of(QoaisDimension.SECURITY, Measure.GRADED, "storageSecurity", "computeSecurity", "transferSecurity"),
    *_of(QoaisDimension.PRIVACY, Measure.GRADED, "dataPrivacy", "algorithmPrivacy"),
    *_of(QoaisDimension.AUTONOMY, Measure.GRADED, "autonomy"),
)
_UNMEASURED: Final = ("generalisation", "robustness", "explainability", "fairness")

INDICATORS: Final[dict[ServiceClass, tuple[Indicator, ...]]] = {
    ServiceClass.TRAINING: (
        *_of(QoaisDimension.PERFORMANCE, Measure.QUANTIFIED, "performanceBound", "trainingTime", "goalAgreement"),
        *_of(QoaisDimension.PERFORMANCE, Measure.NONE, *_UNMEASURED, "reusability"),
        *_SHARED,
    ),
    ServiceClass.INFERENCE: (
        *_of(QoaisDimension.PERFORMANCE, Measure.QUANTIFIED, "performanceBound", "latency", "availability"),
        *_of(QoaisDimension.PERFORMANCE, Measure.NONE, *_UNMEASURED),
        *_SHARED,
    ),
    ServiceClass.DATA: (
        *_of(QoaisDimension.PERFORMANCE, Measure.QUANTIFIED, "redundancy", "completeness", "accuracy"),
        *_of(QoaisDimension.PERFORMANCE, Measure.QUANTIFIED, "preparationTime"),
        *_of(QoaisDimension.PERFORMANCE, Measure.NONE, "balance", "integrity", "distributionDynamics"),
        *_SHARED,
    ),
    ServiceClass.VALIDATION: (),
}
"""The indicators of each class. Those of training are published; those of inference and data follow from the KPI model
and from resource QoS; validation has no published set, so only what a contract names is shown."""

RESOURCE_INDICATORS: Final[dict[Resource, dict[str, Measure]]] = {
    Resource.DATA: {
        **dict.fromkeys(("redundancy", "completeness", "accuracy", "preparationTime"), Measure.QUANTIFIED),
        **dict.fromkeys(("securityLevel", "privacyLevel"), Measure.GRADED),
        **dict.fromkeys(("balance", "integrity", "distributionDynamics"), Measure.NONE),
    },
    Resource.ALGORITHM: {
        **dict.fromkeys(("performanceBound", "trainingTime", "convergence", "goalAgreement"), Measure.QUANTIFIED),
        "privacyLevel": Measure.GRADED,
        **dict.fromkeys(("robustness", "reusability", "generalisation", "explainability", "fairness"), Measure.NONE),
    },
    Resource.COMPUTE: {
        **dict.fromkeys(("precision", "duration", "efficiency", "rate", "availability"), Measure.QUANTIFIED),
        "securityLevel": Measure.GRADED,
    },
    Resource.CONNECTION: {
        **dict.fromkeys(("bandwidth", "delay", "jitter", "errorRate", "reliability", "efficiency"), Measure.QUANTIFIED),
        "securityLevel": Measure.GRADED,
    },
}
"""Resource QoS: indicators of each resource, and how they are judged."""
