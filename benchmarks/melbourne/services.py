"""The services: a kind each, asked for by users somewhere in the city, with the requests that will really come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from aif.api.aiservice import AIService
from melbourne.network import GPU
from melbourne.traces import City, Floats, Requests

SECONDS: Final = 600.0
"""How long requests are replayed."""
CPU_VARIANT: Final[dict[str, Any]] = {"name": "cpu"}
GPU_VARIANT: Final[dict[str, Any]] = {"name": "gpu", "accelerator": GPU, "count": 1}
PAIR_VARIANT: Final[dict[str, Any]] = {"name": "pair", "accelerator": GPU, "count": 2}
SECURE_SHARE: Final = 0.12
"""Of the services, so many ask for a high security level."""
TOLERANCE: Final = 1.05
"""A measured latency up to 5 % above the target is no breach, as `tolerancePercent` says by default."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of service.

    Attributes:
        share: Of all services.
        gflops, megabytes: Arithmetic and memory traffic of a request.
        bits: Input of a request.
        rate: Lowest and highest mean rate, requests per second.
        limit: Lowest and highest latency target in ms; None for a service that only has to keep up.
        cores, memory: Of a replica; GiB.
        variants: In order of preference.
        answer_bits: Of a request.
    """

    name: str
    share: float
    gflops: float
    megabytes: float
    bits: float
    rate: tuple[float, float]
    limit: tuple[float, float] | None
    cores: int
    memory: int
    variants: tuple[dict[str, Any], ...]
    answer_bits: float = 8e3


KINDS: Final = (
    Kind("gate", 0.22, 0.6, 14.0, 0.3e6, (10.0, 40.0), (13.0, 25.0), 2, 2, (CPU_VARIANT, GPU_VARIANT)),
    Kind("camera", 0.28, 8.2, 110.0, 1.2e6, (5.0, 20.0), (28.0, 70.0), 8, 8, (GPU_VARIANT, CPU_VARIANT)),
    Kind("overlay", 0.18, 31.0, 552.0, 4.8e6, (5.0, 15.0), (24.0, 45.0), 2, 8, (GPU_VARIANT,)),
    Kind("chat", 0.14, 6.0, 6000.0, 0.1e6, (0.1, 0.35), (1500.0, 12_000.0), 4, 16, (GPU_VARIANT, PAIR_VARIANT)),
    Kind("index", 0.18, 60.0, 400.0, 1.2e6, (2.0, 6.0), None, 12, 24, (CPU_VARIANT, GPU_VARIANT)),
)
"""MobileNet-v2, ResNet-50 and VGG-16 on pictures, a language model of 3 billion parameters, and embedding in bulk."""


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """The requests of one service as they come.

    Attributes:
        seconds: When each is sent, ascending from 0.
        prompt, answer: Tokens of each; 1 and 0 where a request is one piece of work.
    """

    seconds: Floats
    prompt: Floats
    answer: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A service, what its users send, and what it was promised.

    Attributes:
        kind: Of `KINDS`.
        site: Radio site of its users.
        limit: Latency target in seconds; infinite where there is none.
        service: The template as its author fills it in, from means.
        load: What really comes.
    """

    kind: Kind
    site: int
    limit: float
    service: AIService
    load: Load


def services(count: int, city: City, trace: Requests, draw: np.random.Generator) -> list[Asked]:
    """Return so many services of users drawn from ``city``, with loads cut out of ``trace``."""
    kinds = draw.choice(len(KINDS), count, p=[kind.share for kind in KINDS])
    users = draw.integers(len(city.users), size=count)
    apart = np.hypot(*(city.users[users, None] - city.sites).transpose(2, 0, 1))
    return [
        _service(number, KINDS[kind], int(site), trace, draw)
        for number, (kind, site) in enumerate(zip(kinds, apart.argmin(axis=1), strict=True))
    ]


def _service(number: int, kind: Kind, site: int, trace: Requests, draw: np.random.Generator) -> Asked:
    rate = float(np.exp(draw.uniform(*np.log(kind.rate))))
    limit = float("inf") if kind.limit is None else round(draw.uniform(*kind.limit), 1) * 1e-3
    spec = _spec(kind, rate, limit, site, trace)
    if draw.random() < SECURE_SHARE:
        spec["qos"]["securityLevel"] = "High" if kind.limit is None or kind.limit[1] > 30.0 else "Medium"  # noqa: PLR2004
    named = {"name": f"{kind.name}-{number}", "namespace": kind.name, "uid": f"s{number}"}
    service = AIService.model_validate({"metadata": named, "spec": spec})
    return Asked(kind, site, limit, service, _load(kind, rate, trace, draw))


def _spec(kind: Kind, rate: float, limit: float, site: int, trace: Requests) -> dict[str, Any]:
    cuts = [{"name": "Input", "ueFlops": 0, "dataBits": str(int(kind.bits))}]
    model: dict[str, Any] = {"name": kind.name, "precision": "FP32", "outputBits": str(int(kind.answer_bits))}
    flops, traffic = kind.gflops * 1e9, kind.megabytes * 1e6
    if kind.name == "chat":
        generation = {
            "flopsPerToken": str(int(flops)),
            "memoryTrafficBytesPerToken": str(int(traffic)),
            "tokensPerRequest": round(float(trace.answer.mean())),
        }
        model |= {"precision": "FP16", "generation": generation}
        flops *= float(trace.prompt.mean())
    model |= {"flopsPerRequest": str(int(flops)), "memoryTrafficBytesPerRequest": str(int(traffic)), "cuts": cuts}
    qos: dict[str, Any] = {}
    if kind.limit is not None:
        qos["latency"] = {"maxP99Microseconds": round(limit * 1e6), "weight": 50}
        if kind.name == "chat":
            qos["latency"]["indicator"] = "FirstToken"
    return {
        "serviceType": "Inference",
        "model": model,
        "load": {"requestsPerSecond": f"{round(rate * 1000)}m"},
        "ue": {"attachedTo": f"ran-{site}"},
        "qos": qos,
        "workload": {"image": "bench:1", "resources": {"cpu": kind.cores, "memory": f"{kind.memory}Gi"}},
        "variants": list(kind.variants),
    }


def _load(kind: Kind, rate: float, trace: Requests, draw: np.random.Generator) -> Load:
    """Return a piece of ``trace`` from a place drawn at random, faster or slower so that its mean is ``rate``.

    What is bursty there is bursty here; how many requests come within the time is left to the piece.
    """
    count = int(2.0 * rate * SECONDS) + 10
    rows = (int(draw.integers(len(trace.gaps))) + np.arange(count)) % len(trace.gaps)
    seconds = np.cumsum(trace.gaps[rows]) * trace.rate / rate
    rows, seconds = rows[seconds < SECONDS], seconds[seconds < SECONDS]
    if kind.name == "chat":
        return Load(seconds, trace.prompt[rows], trace.answer[rows])
    return Load(seconds, np.ones(len(rows)), np.zeros(len(rows)))
