"""The roofline model: which rate a platform attains on a piece of work ([AIF])."""

from __future__ import annotations

import numpy as np

from aif.planning.arrays import FloatArray
from aif.planning.demands import Work


def ridge_point(peak: FloatArray, bandwidth: FloatArray) -> FloatArray:
    """Return I_max = π/β in FLOP/byte, the intensity from which on work is bound by compute.

    Args:
        peak: π in FLOP/s.
        bandwidth: β in byte/s.
    """
    return np.asarray(peak / bandwidth)


def attainable(peak: FloatArray, bandwidth: FloatArray, intensity: float) -> FloatArray:
    """Return P = min(π, β·I) in FLOP/s ([AIF]).

    Args:
        peak: π in FLOP/s.
        bandwidth: β in byte/s.
        intensity: I in FLOP/byte; infinite for work without memory traffic, which asks nothing of β.
    """
    return np.asarray(peak) if np.isinf(intensity) else np.minimum(peak, bandwidth * intensity)


def intensity(work: Work) -> float:
    """Return the operational intensity of ``work`` in FLOP/byte; infinite where its memory traffic is not told."""
    return work.flops / work.traffic if work.traffic else float("inf")


def compute_seconds(work: Work, peak: FloatArray, bandwidth: FloatArray) -> FloatArray:
    """Return the time of ``work`` on each platform, max(O/π, Q/β): the same as O/P.

    NaN where a figure that the work needs is missing.
    """
    return np.maximum(work.flops / peak, work.traffic / bandwidth) if work.traffic else np.asarray(work.flops / peak)
