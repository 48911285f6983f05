"""The evidence of a decision as the status shows it: demands, candidates, refusals, the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil, isfinite
from typing import Any

from aif.api.aiservice import AIService
from aif.api.aiservice_demands import Demands, ResourceDemand
from aif.api.aiservice_status import Candidate, DimensionStatus, Rejected, Term
from aif.api.base import Level
from aif.api.computenode import CPU
from aif.api.quantity import format_amount
from aif.planning.demands import EPHEMERAL_STORAGE, MEMORY, Demand
from aif.planning.qoais.decomposition import ResourceQos, resource_qos
from aif.scheduling.selection import Choice, Forecast, Selection, Shortage

MOST_REFUSALS = 32

_UNITS = {"s": (1e6, "us"), "": (1e6, "ppm")}
_WHOLE = frozenset({"us", "ppm"})

NONE: Mapping[str, Any] = {"demands": None, "candidates": [], "rejected": [], "qos": []}
"""The fields of a status without a decision."""


def of_selection(service: AIService, selection: Selection) -> dict[str, Any]:
    """Return the fields of the status that tell of ``selection``."""
    return {
        "demands": demands(service, selection.demand),
        "candidates": [candidate(choice) for choice in selection.candidates],
        "rejected": [refusal(shortage) for shortage in selection.rejections[:MOST_REFUSALS]],
        "qos": list(contract(service, selection.chosen)),
    }


def demands(service: AIService, demand: Demand) -> Demands:
    """Return the demands of the whole service as quantities; what the template does not tell is absent."""
    total = demand.total
    devices = demand.devices * demand.replicas
    return Demands(
        flops_per_second=_amount(demand.flops_per_second),
        memory_bandwidth_bytes_per_second=_amount(demand.memory_bandwidth),
        up_bits_per_second=_amount(demand.up_bits_per_second),
        down_bits_per_second=_amount(demand.down_bits_per_second),
        cpu=_amount(total.get(CPU, 0.0)),
        memory=_amount(total.get(MEMORY, 0.0)),
        ephemeral_storage=_amount(total.get(EPHEMERAL_STORAGE, 0.0)),
        accelerators=None if demand.device == CPU else f"{devices}x {demand.device}",
        resources=[resource_demand(one) for one in resource_qos(service, demand) if one.target.value != Level.LOW],
    )


def resource_demand(one: ResourceQos) -> ResourceDemand:
    """Return what a resource must offer, times in whole microseconds and shares in millionths."""
    target = one.target
    scale, unit = _UNITS.get(target.unit, (1.0, target.unit))
    return ResourceDemand(
        resource=one.resource,
        indicator=one.name,
        bound=target.bound,
        target=str(target.value) if isinstance(target.value, str) else _quantity(target.value * scale, unit),
        unit=None if isinstance(target.value, str) else unit,
        enforcement=target.enforcement,
    )


def _quantity(value: float, unit: str) -> str:
    # Rounded first: 0.999 is a little more than 999000 millionths, and to round that up would ask for more.
    return str(ceil(round(value, 3))) if unit in _WHOLE else format_amount(value)


def _amount(value: float) -> str | None:
    return format_amount(value) if isfinite(value) and value > 0 else None


def candidate(choice: Choice) -> Candidate:
    """Return a node that meets every hard limit, with the terms of its score."""
    return Candidate(
        node=choice.node,
        variant=choice.variant.name,
        score=choice.score,
        terms=[Term(name=term.name, score=term.score, weight=term.weight) for term in choice.terms],
        predicted_latency_microseconds=microseconds(choice),
        predicted_millijoules_per_request=millijoules(choice),
    )


def refusal(shortage: Shortage) -> Rejected:
    """Return the nodes that miss the same limit."""
    return Rejected(
        reason=shortage.reason,
        variant=shortage.variant,
        count=shortage.count,
        nearest=shortage.nearest,
        required=shortage.required[:256],
        available=shortage.available[:256],
    )


def microseconds(choice: Choice) -> int | None:
    """Return the predicted latency, rounded up."""
    return scaled(choice.forecast.latency_seconds, 1e6)


def network_microseconds(choice: Choice) -> int | None:
    """Return the part of the predicted latency between users and node, rounded up."""
    return scaled(choice.forecast.communication_seconds, 1e6)


def millijoules(choice: Choice) -> int | None:
    """Return the predicted energy of a request, rounded up."""
    return scaled(choice.forecast.joules, 1e3)


def scaled(value: float | None, factor: float) -> int | None:
    """Return ``value`` in a smaller unit, rounded up; None where it is not told."""
    # Nine digits decide: a float that is a hair above a whole number is that number.
    return None if value is None or not isfinite(value) else ceil(round(value * factor, 9))


def contract(service: AIService, choice: Choice | None) -> Iterator[DimensionStatus]:
    """Yield the dimensions with a numeric target: asked for and, where a node was chosen, predicted."""
    qos, forecast = service.spec.qos, choice.forecast if choice else Forecast()
    if qos.latency is not None:
        target, predicted = qos.latency.max_p99_microseconds, scaled(forecast.latency_seconds, 1e6)
        yield DimensionStatus(dimension="latency", target=target, predicted=predicted)
    if qos.energy is not None:
        target, predicted = qos.energy.max_millijoules_per_request, scaled(forecast.joules, 1e3)
        yield DimensionStatus(dimension="energy", target=target, predicted=predicted)
    if qos.accuracy is not None:
        predicted = None if forecast.accuracy is None else int(round(forecast.accuracy * 1e4, 6))
        yield DimensionStatus(dimension="accuracy", target=qos.accuracy.min_basis_points, predicted=predicted)
    if qos.availability is not None:
        yield DimensionStatus(dimension="availability", target=qos.availability.min_ppm)
