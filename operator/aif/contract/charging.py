"""What a service used within a moment, as far as it is known: the base of charging ([AIF] compute as a service)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Final

MEASURED: Final = "measured"
ESTIMATED: Final = "estimated"


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a service at present; NaN where unknown.

    Attributes:
        requests: Requests per second.
        flops: FLOP of a request.
        bits: Bits that a request carries both ways, by the template.
        expected_joules: Joules of a request by the declared figures.
        joules: Joules of a request as measured.
        watts: What its pods draw, as measured.
        bytes_per_second: What its pods receive and send, as measured.
        devices: Devices or cores that are held for it, by type.
    """

    requests: float = nan
    flops: float = nan
    bits: float = nan
    expected_joules: float = nan
    joules: float = nan
    watts: float = nan
    bytes_per_second: float = nan
    devices: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Used:
    """What a service used.

    Attributes:
        flop: Work in FLOP.
        device_seconds: Device-seconds, or core-seconds, by type.
        bytes: Bytes, by source.
        joules: Joules, by source.
    """

    flop: float = 0.0
    device_seconds: Mapping[str, float] = field(default_factory=dict)
    bytes: Mapping[str, float] = field(default_factory=dict)
    joules: Mapping[str, float] = field(default_factory=dict)


def used(told: Told, seconds: float) -> Used:
    """Return what was used within ``seconds``; what nobody knows is not counted, and a meter goes before a model."""
    requests = told.requests * seconds
    return Used(
        flop=_known(requests * told.flops),
        device_seconds={device: held * seconds for device, held in told.devices.items() if held > 0.0},
        bytes=_first(((MEASURED, told.bytes_per_second * seconds), (ESTIMATED, requests * told.bits / 8))),
        joules=_first(
            (
                (MEASURED, requests * told.joules),
                (MEASURED, told.watts * seconds),
                (ESTIMATED, requests * told.expected_joules),
            )
        ),
    )


def _first(candidates: Iterable[tuple[str, float]]) -> dict[str, float]:
    return next(({source: amount} for source, amount in candidates if isfinite(amount) and amount > 0.0), {})


def _known(amount: float) -> float:
    return amount if isfinite(amount) and amount > 0.0 else 0.0
