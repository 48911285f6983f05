"""What the network offers, as the roofline rule of [AIF] compares it with the user's own device."""

from __future__ import annotations

from math import nan

from aif.planning.offload import NetworkSide
from aif.scheduling.selection import Choice


def network_side(choice: Choice) -> NetworkSide:
    """Return the times and the rate of a request on the chosen node; NaN where a figure is missing."""
    forecast = choice.forecast
    return NetworkSide(
        communication_seconds=_or_nan(forecast.communication_seconds),
        compute_seconds=_or_nan(forecast.compute_seconds) + (forecast.wait_seconds or 0.0),
        attainable_flops=_or_nan(forecast.attainable_flops),
    )


def _or_nan(value: float | None) -> float:
    return nan if value is None else value
