"""Resource demands of a service, translated from its template ([AIF] task management)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import nan
from typing import Final

from aif.api.aiservice import AIService, Generation
from aif.api.base import Precision
from aif.api.computenode import CPU
from aif.api.qos import QualityOfService
from aif.api.quantity import Quantity
from aif.api.workload import NO_ACCELERATOR, Resources, Variant

MEMORY: Final = "memory"
EPHEMERAL_STORAGE: Final = "ephemeral-storage"
PODS: Final = "pods"
"""Resource of which every replica takes one."""


@dataclass(frozen=True, slots=True)
class Work:
    """Arithmetic and memory traffic of a piece of work.

    Attributes:
        flops: Floating-point operations, FLOP; NaN where the template does not say.
        traffic: Bytes between device and memory; 0 where the template does not say: compute alone then bounds the time,
            as in [6GANA] section 5.
    """

    flops: float
    traffic: float

    def __add__(self, other: Work) -> Work:
        """Return both pieces one after the other."""
        return Work(self.flops + other.flops, self.traffic + other.traffic)

    def __mul__(self, times: float) -> Work:
        """Return the work done ``times`` over."""
        return Work(self.flops * times, self.traffic * times)


UNTOLD: Final = Work(nan, 0.0)
"""Work of which the template says nothing."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a service asks of a node in one variant; SI units, NaN where the template does not tell.

    Attributes:
        requests_per_second: Mean rate of requests.
        prompt: Work until the first output: all of a request, or the prompt where text is generated.
        token: Work of one further output token; None where nothing is generated.
        tokens: Output tokens of a request.
        up_bits: Input of one request.
        down_bits: Answer to one request; 0 where the template does not say, neglected as in [6GANA] section 5.
        flops_per_second: Compute rate of all replicas together.
        memory_bandwidth: Memory traffic of all replicas together, byte/s.
        up_bits_per_second: Rate from the users.
        down_bits_per_second: Rate towards the users.
        device: Device type that computes: ``cpu`` or the accelerator's resource name.
        devices: Devices of one replica; 1 for the CPU.
        device_memory: Bytes needed on each device; 0 where not asked for.
        precision: Number format of the model in this variant.
        accuracy: Accuracy of the model alone, 0..1.
        replicas: Number of replicas.
        per_replica: What Kubernetes accounts for, of one replica: cores, bytes, devices, pods.
    """

    requests_per_second: float
    prompt: Work
    token: Work | None
    tokens: int
    up_bits: float
    down_bits: float
    flops_per_second: float
    memory_bandwidth: float
    up_bits_per_second: float
    down_bits_per_second: float
    device: str
    devices: int
    device_memory: float
    precision: Precision
    accuracy: float
    replicas: int
    per_replica: Mapping[str, float]

    @property
    def request(self) -> Work:
        """Return the work of a whole request."""
        return self.prompt if self.token is None else self.prompt + self.token * self.tokens

    def amount(self, resource: str) -> float:
        """Return what Kubernetes accounts for of ``resource``, of all replicas."""
        return self.per_replica.get(resource, 0.0) * self.replicas

    @property
    def total(self) -> dict[str, float]:
        """Return what Kubernetes accounts for, of all replicas."""
        return {resource: amount * self.replicas for resource, amount in self.per_replica.items()}

    def share(self, replicas: int) -> Demand:
        """Return the demand of so many of the replicas, which bear a proportional share of the load."""
        if replicas == self.replicas:
            return self
        part = replicas / max(1, self.replicas)
        return replace(
            self,
            replicas=replicas,
            requests_per_second=part * self.requests_per_second,
            flops_per_second=part * self.flops_per_second,
            memory_bandwidth=part * self.memory_bandwidth,
            up_bits_per_second=part * self.up_bits_per_second,
            down_bits_per_second=part * self.down_bits_per_second,
        )

    @property
    def cores(self) -> float:
        """Return the cores of one replica; NaN where none are asked for."""
        return self.per_replica.get(CPU, nan)

    @property
    def servers(self) -> int:
        """Return how many requests are computed at a time, one per device; at zero replicas, as if one served."""
        return max(1, self.replicas) * self.devices


def translate(service: AIService, variant: Variant) -> Demand:
    """Return the resource demands of ``service`` when it runs as ``variant``.

    Rates are amounts per request times the declared load, unless ``qos.compute`` or ``qos.bandwidth`` names them.
    """
    spec = service.spec
    load = nan if spec.load is None else float(spec.load.requests_per_second)
    prompt = Work(
        _first(variant.flops_per_request, spec.model.flops_per_request),
        _or_zero(spec.model.memory_traffic_bytes_per_request),
    )
    token, tokens = _generation(spec.model.generation)
    request = prompt if token is None else prompt + token * tokens
    up_bits, down_bits = _input_bits(service), _or_zero(spec.model.output_bits)
    accelerated = variant.accelerator != NO_ACCELERATOR
    return Demand(
        requests_per_second=load,
        prompt=prompt,
        token=token,
        tokens=tokens,
        up_bits=up_bits,
        down_bits=down_bits,
        flops_per_second=_asked_flops(spec.qos, request.flops * load),
        memory_bandwidth=request.traffic * load,
        up_bits_per_second=_asked_rate(spec.qos, up_bits * load),
        down_bits_per_second=down_bits * load,
        device=variant.accelerator if accelerated else CPU,
        devices=variant.count if accelerated else 1,
        device_memory=_or_zero(variant.device_memory),
        precision=variant.precision or spec.model.precision,
        accuracy=_accuracy(service, variant),
        replicas=spec.workload.replicas if spec.workload else 0,
        per_replica=_per_replica(spec.workload.resources if spec.workload else Resources(), variant),
    )


def _generation(generation: Generation | None) -> tuple[Work | None, int]:
    if generation is None:
        return None, 0
    token = Work(float(generation.flops_per_token), float(generation.memory_traffic_bytes_per_token))
    return token, generation.tokens_per_request


def _input_bits(service: AIService) -> float:
    """Return NaN, not zero, where no cut named Input tells the size of the raw input."""
    return service.data_bits if any(cut.name == "Input" for cut in service.spec.model.cuts) else nan


def _asked_flops(qos: QualityOfService, derived: float) -> float:
    return derived if qos.compute is None else _first(qos.compute.min_flops_per_second, default=derived)


def _asked_rate(qos: QualityOfService, derived: float) -> float:
    return derived if qos.bandwidth is None else _first(qos.bandwidth.min_bits_per_second, default=derived)


def _accuracy(service: AIService, variant: Variant) -> float:
    own, general = variant.accuracy_basis_points, service.spec.model.accuracy_basis_points
    basis_points = general if own is None else own
    return nan if basis_points is None else basis_points / 10_000


def _per_replica(general: Resources, variant: Variant) -> dict[str, float]:
    """Return the amounts of one replica: those of the variant replace those of the workload one by one."""
    own = variant.resources
    amounts = {
        CPU: own.cpu or general.cpu,
        MEMORY: own.memory or general.memory,
        EPHEMERAL_STORAGE: own.ephemeral_storage or general.ephemeral_storage,
    }
    asked = {PODS: 1.0} | {resource: float(amount) for resource, amount in amounts.items() if amount is not None}
    return asked if variant.accelerator == NO_ACCELERATOR else {**asked, variant.accelerator: float(variant.count)}


def _first(*quantities: Quantity | None, default: float = nan) -> float:
    return next((float(quantity) for quantity in quantities if quantity is not None), default)


def _or_zero(quantity: Quantity | None) -> float:
    return _first(quantity, default=0.0)
