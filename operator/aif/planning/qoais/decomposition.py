"""QoAIS of a service taken apart twice: into indicators per dimension, and into the QoS of each resource ([6GANA]).

A resource QoS is a necessary condition. Where resources share a target, such as compute and connection a latency, each
is bounded as if the others took nothing: no split is invented before a node is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite

from aif.api.aiservice import AIService
from aif.api.base import Level
from aif.api.qos import Latency, LatencyIndicator
from aif.api.workload import Variant
from aif.planning.demands import UNTOLD, Demand, Work, translate
from aif.planning.qoais.indicators import (
    INDICATORS,
    RESOURCE_INDICATORS,
    Indicator,
    Measure,
    QoaisDimension,
    Resource,
    ServiceClass,
)

AT_LEAST = "AtLeast"
AT_MOST = "AtMost"
EXACTLY = "Exactly"

Value = float | str


@dataclass(frozen=True, slots=True)
class Target:
    """What a contract asks of an indicator.

    Attributes:
        bound: AtLeast, AtMost or Exactly.
        value: In SI units, or a level.
        unit: Empty for shares and levels.
        enforcement: Hard or Soft; empty where the contract knows no such choice.
    """

    bound: str
    value: Value
    unit: str = ""
    enforcement: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """An indicator of the service.

    Attributes:
        indicator: What is judged, and how.
        target: What the contract asks; None where it asks nothing, and always where there is no accepted measure.
        demand: What the template itself says of a cost, per request; None where it does not.
        demand_unit: Unit of ``demand``.
    """

    indicator: Indicator
    target: Target | None = None
    demand: float | None = None
    demand_unit: str = ""


@dataclass(frozen=True, slots=True)
class ResourceQos:
    """A QoS that a resource must offer.

    Attributes:
        resource: Which resource.
        name: Indicator of the resource.
        target: What is asked of it.
        origin: The indicator of the service, or the field of the template, that it follows from.
        attainable: False where no resource can offer it, such as a reliability above 1.
    """

    resource: Resource
    name: str
    target: Target
    origin: str
    attainable: bool = True

    @property
    def measure(self) -> Measure:
        """Return how it is judged."""
        return RESOURCE_INDICATORS[self.resource][self.name]


@dataclass(frozen=True, slots=True)
class Decomposition:
    """QoAIS of a service in one variant.

    Attributes:
        service_class: Class of AI service; None where QoAIS knows none, such as for raw compute.
        requirements: Indicators of the service, by dimension.
        resources: QoS per resource; the strictest of each indicator, hard and soft ones apart.
    """

    service_class: ServiceClass | None
    requirements: tuple[Requirement, ...]
    resources: tuple[ResourceQos, ...]


def decompose(service: AIService, variant: Variant) -> Decomposition:
    """Return the QoAIS of ``service`` when it runs as ``variant``."""
    demand = translate(service, variant)
    of_class = next((one for one in ServiceClass if one.value == service.spec.service_type.value), None)
    return Decomposition(of_class, tuple(_requirements(service, demand, of_class)), resource_qos(service, demand))


def resource_qos(service: AIService, demand: Demand) -> tuple[ResourceQos, ...]:
    """Return what each resource must offer for the ``demand`` of ``service`` in one variant."""
    return strictest(_resources(service, demand))


def strictest(asked: Iterable[ResourceQos]) -> tuple[ResourceQos, ...]:
    """Return the highest floor and the lowest ceiling per indicator of a resource, of hard and of soft ones apart."""
    kept: dict[tuple[Resource, str, str, str], ResourceQos] = {}
    for one in asked:
        key = (one.resource, one.name, one.target.bound, one.target.enforcement)
        other = kept.get(key)
        if other is None or _strictness(one.target) > _strictness(other.target):
            kept[key] = one
    order = {resource: place for place, resource in enumerate(Resource)}
    return tuple(sorted(kept.values(), key=lambda one: (order[one.resource], one.name, one.target.bound)))


def _strictness(target: Target) -> float:
    if isinstance(target.value, str):
        return Level(target.value).rank if target.bound == AT_LEAST else 0.0
    return -target.value if target.bound == AT_MOST else target.value


def _requirements(service: AIService, demand: Demand, of_class: ServiceClass | None) -> Iterator[Requirement]:
    targets = _targets(service)
    costs = {
        "compute": (demand.request.flops, "FLOP"),
        "transfer": (demand.up_bits + demand.down_bits, "bit"),
        "storage": (demand.per_replica.get("ephemeral-storage", float("nan")), "byte"),
    }
    listed = INDICATORS[of_class] if of_class is not None else ()
    known = {indicator.name for indicator in listed}
    named = tuple(one for one in _named() if one.name in targets and one.name not in known)
    order = {dimension: place for place, dimension in enumerate(QoaisDimension)}
    for indicator in sorted((*listed, *named), key=lambda one: order[one.dimension]):
        amount, unit = costs.get(indicator.name, (float("nan"), ""))
        told = amount if isfinite(amount) else None
        yield Requirement(indicator, targets.get(indicator.name), told, unit if told is not None else "")


def _named() -> tuple[Indicator, ...]:
    """Return all indicators that a contract may name, so that one of a class without a published set is shown too."""
    return INDICATORS[ServiceClass.INFERENCE]


def _targets(service: AIService) -> dict[str, Target]:
    qos, autonomy = service.spec.qos, service.spec.autonomy
    targets = {
        "storageSecurity": Target(AT_LEAST, qos.security_level),
        "computeSecurity": Target(AT_LEAST, qos.security_level),
        "transferSecurity": Target(AT_LEAST, qos.security_level),
        "dataPrivacy": Target(AT_LEAST, qos.privacy_level),
        "autonomy": Target(EXACTLY, autonomy.level),
    }
    if qos.latency is not None:
        targets["latency"] = Target(AT_MOST, _limit(qos.latency), "s", qos.latency.enforcement)
    if qos.accuracy is not None:
        targets["performanceBound"] = Target(
            AT_LEAST, qos.accuracy.min_basis_points / 1e4, "", qos.accuracy.enforcement
        )
    if qos.energy is not None:
        granted = qos.energy.max_millijoules_per_request / 1e3
        targets["energy"] = Target(AT_MOST, granted, "J", qos.energy.enforcement)
    if qos.availability is not None:
        targets["availability"] = Target(AT_LEAST, qos.availability.min_ppm / 1e6, "", qos.availability.enforcement)
    return targets


def _resources(service: AIService, demand: Demand) -> Iterator[ResourceQos]:
    yield from _of_latency(service, demand)
    yield from _of_accuracy(service, demand)
    yield from _of_energy(service, demand)
    yield from _of_load(service, demand)
    yield from _of_levels(service)


def _limit(latency: Latency) -> float:
    return latency.max_p99_microseconds / 1e6


def _of_latency(service: AIService, demand: Demand) -> Iterator[ResourceQos]:
    latency = service.spec.qos.latency
    if latency is None:
        return
    limit = _limit(latency)
    yield _asked(Resource.COMPUTE, "duration", AT_MOST, limit, "s", latency.enforcement, "latency")
    flops = _judged(latency.indicator, demand).flops
    if isfinite(flops):
        yield _asked(Resource.COMPUTE, "rate", AT_LEAST, flops / limit, "FLOP/s", latency.enforcement, "latency")
    # A further token follows its forerunner without crossing the link anew.
    if latency.indicator is not LatencyIndicator.OUTPUT_TOKEN:
        yield _asked(Resource.CONNECTION, "delay", AT_MOST, limit, "s", latency.enforcement, "latency")
        if isfinite(demand.up_bits):
            rate = demand.up_bits / limit
            yield _asked(Resource.CONNECTION, "bandwidth", AT_LEAST, rate, "bit/s", latency.enforcement, "latency")


def _judged(indicator: LatencyIndicator, demand: Demand) -> Work:
    if indicator is LatencyIndicator.OUTPUT_TOKEN:
        return demand.token or UNTOLD
    return demand.prompt if indicator is LatencyIndicator.FIRST_TOKEN else demand.request


def _of_accuracy(service: AIService, demand: Demand) -> Iterator[ResourceQos]:
    """Yield what a = a_m·r_c asks: of the model at least a, of the link at least a/a_m."""
    accuracy = service.spec.qos.accuracy
    if accuracy is None:
        return
    least, hard = accuracy.min_basis_points / 1e4, accuracy.enforcement
    reached = not demand.accuracy < least
    yield _asked(Resource.ALGORITHM, "performanceBound", AT_LEAST, least, "", hard, "performanceBound", reached)
    if demand.accuracy > 0.0:
        needed = least / demand.accuracy
        yield _asked(Resource.CONNECTION, "reliability", AT_LEAST, needed, "", hard, "performanceBound", needed <= 1.0)


def _of_energy(service: AIService, demand: Demand) -> Iterator[ResourceQos]:
    """Yield what E = O/EE_NET + D/EE_comm asks of each, as if the other took nothing."""
    energy = service.spec.qos.energy
    if energy is None:
        return
    granted = energy.max_millijoules_per_request / 1e3
    parts = (
        (Resource.COMPUTE, demand.request.flops, "FLOP/J"),
        (Resource.CONNECTION, demand.up_bits + demand.down_bits, "bit/J"),
    )
    for resource, amount, unit in parts:
        if isfinite(amount):
            yield _asked(resource, "efficiency", AT_LEAST, amount / granted, unit, energy.enforcement, "energy")


def _of_load(service: AIService, demand: Demand) -> Iterator[ResourceQos]:
    """Yield what the load and the contract's own words ask of compute and connection."""
    qos = service.spec.qos
    yield _asked(Resource.COMPUTE, "precision", EXACTLY, demand.precision, "", "Hard", "model.precision")
    compute = "Hard" if qos.compute is None else qos.compute.enforcement
    if isfinite(demand.flops_per_second):
        yield _asked(Resource.COMPUTE, "rate", AT_LEAST, demand.flops_per_second, "FLOP/s", compute, "compute")
    link = "Hard" if qos.bandwidth is None else qos.bandwidth.enforcement
    if isfinite(demand.up_bits_per_second):
        rate = demand.up_bits_per_second
        yield _asked(Resource.CONNECTION, "bandwidth", AT_LEAST, rate, "bit/s", link, "bandwidth")
    if qos.bandwidth is not None and qos.bandwidth.max_jitter_microseconds is not None:
        jitter = qos.bandwidth.max_jitter_microseconds / 1e6
        yield _asked(Resource.CONNECTION, "jitter", AT_MOST, jitter, "s", link, "bandwidth")
    if qos.bandwidth is not None and qos.bandwidth.min_reliability_ppm is not None:
        least = qos.bandwidth.min_reliability_ppm / 1e6
        yield _asked(Resource.CONNECTION, "reliability", AT_LEAST, least, "", link, "bandwidth")
    if qos.availability is not None:
        least, hard = qos.availability.min_ppm / 1e6, qos.availability.enforcement
        yield _asked(Resource.COMPUTE, "availability", AT_LEAST, least, "", hard, "availability")


def _of_levels(service: AIService) -> Iterator[ResourceQos]:
    qos = service.spec.qos
    for resource in (Resource.DATA, Resource.COMPUTE, Resource.CONNECTION):
        yield _asked(resource, "securityLevel", AT_LEAST, qos.security_level, "", "Hard", "securityLevel")
    yield _asked(Resource.DATA, "privacyLevel", AT_LEAST, qos.privacy_level, "", "Hard", "privacyLevel")


def _asked(
    resource: Resource,
    name: str,
    bound: str,
    value: Value,
    unit: str,
    enforcement: str,
    origin: str,
    attainable: bool = True,  # noqa: FBT001, FBT002 - read at its place, as a column of a table
) -> ResourceQos:
    return ResourceQos(resource, name, Target(bound, value, unit, enforcement), origin, attainable)
