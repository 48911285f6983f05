"""A service in another size: what remains to be placed of it, with its share of the load."""

from __future__ import annotations

from decimal import Decimal

from aif.api.aiservice import AIService, Load
from aif.api.quantity import Quantity
from aif.api.workload import Variant


def sized(service: AIService, replicas: int, variant: Variant | None = None) -> AIService:
    """Return ``service`` with this many replicas and their share of the load; in ``variant`` alone where told."""
    spec = service.spec
    update: dict[str, object] = {} if variant is None else {"variants": [variant]}
    if spec.workload is not None and spec.workload.replicas != replicas:
        update["workload"] = spec.workload.model_copy(update={"replicas": replicas})
        update["load"] = _share(spec.load, replicas, spec.workload.replicas)
    return service.model_copy(update={"spec": spec.model_copy(update=update)}) if update else service


def _share(load: Load | None, part: int, whole: int) -> Load | None:
    if load is None or not part or not whole:
        return load
    rate = load.requests_per_second.value * Decimal(part) / Decimal(whole)
    return load.model_copy(update={"requests_per_second": Quantity(f"{rate:f}", rate)})
