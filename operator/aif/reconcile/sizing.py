"""A service in another size: what remains to be placed of it, with its share of the load."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aif.api.aiservice import AIService
from aif.api.quantity import Quantity
from aif.api.workload import Variant


def sized(service: AIService, replicas: int, variant: Variant | None = None) -> AIService:
    """Return ``service`` with this many replicas and their share of the load; in ``variant`` alone where told.

    Rates that the contract asks for by themselves are shared as well: they are those of the whole service.
    """
    spec = service.spec
    update: dict[str, Any] = {} if variant is None else {"variants": [variant]}
    if spec.workload is not None and spec.workload.replicas != replicas:
        update["workload"] = spec.workload.model_copy(update={"replicas": replicas})
        update |= _shared(service, Decimal(replicas) / Decimal(max(1, spec.workload.replicas)))
    return service.model_copy(update={"spec": spec.model_copy(update=update)}) if update else service


def _shared(service: AIService, part: Decimal) -> dict[str, Any]:
    """Return load and contract with ``part`` of every rate; all of it where nothing is left to share it."""
    spec, part = service.spec, part or Decimal(1)
    compute, bandwidth = spec.qos.compute, spec.qos.bandwidth
    load = spec.load and spec.load.model_copy(update={"requests_per_second": _of(spec.load.requests_per_second, part)})
    asked = {
        "compute": compute
        and compute.model_copy(update={"min_flops_per_second": _of(compute.min_flops_per_second, part)}),
        "bandwidth": bandwidth
        and bandwidth.model_copy(update={"min_bits_per_second": _of(bandwidth.min_bits_per_second, part)}),
    }
    return {"load": load, "qos": spec.qos.model_copy(update=asked)}


def _of(rate: Quantity | None, part: Decimal) -> Quantity | None:
    if rate is None:
        return None
    value = rate.value * part
    return Quantity(f"{value:f}", value)
