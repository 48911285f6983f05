"""Figures of merit of a service over an area: service density and coverage ([6GANA] section 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.checks import non_negative, positive, share


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """How much input a square kilometre serves, bit/s/km².

    Attributes:
        communication: C_comm, what the radio carries.
        compute: C_comp, what the compute nodes take in; infinite where they do no work for the service.
    """

    communication: FloatArray
    compute: FloatArray

    @property
    def service(self) -> FloatArray:
        """Return C_area = min(C_comm, C_comp)."""
        return np.minimum(self.communication, self.compute)


def communication_density(sites_per_km2: ArrayLike, hertz: ArrayLike, bits_per_hertz: ArrayLike) -> FloatArray:
    """Return C_comm = rho_comm·W·SE_avg in bit/s/km².

    Args:
        sites_per_km2: rho_comm.
        hertz: W, bandwidth of a site.
        bits_per_hertz: SE_avg, mean spectral efficiency, bit/s/Hz.

    Raises:
        InvalidSpec: A figure is below 0.
    """
    sites = non_negative("density.sitesPerKm2", sites_per_km2)
    return np.asarray(
        sites
        * non_negative("density.bandwidthHz", hertz)
        * non_negative("density.spectralEfficiencyBitPerSecondPerHz", bits_per_hertz)
    )


def compute_density(
    nodes_per_km2: ArrayLike, flops_per_second: ArrayLike, flops: ArrayLike, input_bits: ArrayLike
) -> FloatArray:
    """Return C_comp = rho_comp·(F/O)·D0 in bit/s/km².

    Args:
        nodes_per_km2: rho_comp.
        flops_per_second: F of a node.
        flops: O of one input; for centralised training O1·M_epoch.
        input_bits: D0.

    Raises:
        InvalidSpec: A figure is out of bounds.
    """
    nodes = non_negative("density.computeNodesPerKm2", nodes_per_km2)
    inputs = positive("network.flopPerSecond", flops_per_second) / positive("flop", flops)
    return np.asarray(nodes * inputs * positive("model.inputBits", input_bits))


def coverage(
    area: ArrayLike, bits_per_second: ArrayLike, accuracy: ArrayLike, *, min_rate: float, min_accuracy: float
) -> float:
    """Return area(R >= R0, a >= a0) / total area.

    Args:
        area: Area of each of n cells, in any one unit, [n].
        bits_per_second: R that a user gets in each, [n] or one for all.
        accuracy: Accuracy of service in each, 0..1, [n] or one for all.
        min_rate: R0, bit/s.
        min_accuracy: a0.

    Raises:
        InvalidSpec: A figure is out of bounds, or there is no area.
    """
    areas = np.atleast_1d(non_negative("coverage.cells.areaKm2", area))
    if not areas.sum() > 0.0:
        raise InvalidSpec("coverage.cells.areaKm2", "must hold an area greater than 0")
    served = non_negative("coverage.cells.bitPerSecond", bits_per_second) >= min_rate
    right = share("coverage.cells.accuracy", accuracy) >= min_accuracy
    return float(np.sum(areas * (served & right)) / areas.sum())
