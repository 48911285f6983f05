"""What the commands `aif kpi ...` do, once the command line is parsed."""

from __future__ import annotations

from typing import Any

import numpy as np

from aif.cli.files.profiles import load
from aif.cli.kpi import view as kpi_view
from aif.cli.kpi.profiles import CoverageProfile, DataProfile, InferenceProfile, Sides, TrainingProfile
from aif.cli.output import Output, show
from aif.cli.plots import draw
from aif.planning.kpi import data as kpi_data
from aif.planning.kpi.inference import inference as inference_kpi
from aif.planning.kpi.service import Density, communication_density, compute_density
from aif.planning.kpi.service import coverage as covered
from aif.planning.kpi.training import TrainingKpi, centralised, distributed

Json = dict[str, Any]


def inference(path: str, output: Output, plot: str) -> None:
    """Print the figures of every cut in the profile ``path``, and draw them to ``plot`` where that is given.

    Raises:
        InvalidInput: The profile cannot be read or breaks a rule, or the picture cannot be drawn.
    """
    structure = of_inference(load(path, InferenceProfile))
    draw(plot, lambda figure: kpi_view.paint_inference(structure, figure), inches=(7.0, 5.0))
    show(structure, output, lambda _: kpi_view.inference(structure))


def training(path: str, output: Output, plot: str) -> None:
    """Print the figures of the training in the profile ``path``, and draw them to ``plot`` where that is given.

    Raises:
        InvalidInput: The profile cannot be read or breaks a rule, or the picture cannot be drawn.
    """
    structure = of_training(load(path, TrainingProfile))
    draw(plot, lambda figure: kpi_view.paint_training(structure, figure), inches=(7.0, 2.6))
    show(structure, output, lambda _: kpi_view.training(structure))


def data(path: str, output: Output) -> None:
    """Print the quality of the samples in the profile ``path``.

    Raises:
        InvalidInput: The profile cannot be read or breaks a rule.
    """
    structure = of_data(load(path, DataProfile))
    show(structure, output, lambda _: kpi_view.data(structure))


def of_inference(profile: InferenceProfile) -> Json:
    """Return the figures of every cut, and density and coverage where the profile describes an area."""
    figures = inference_kpi(
        profile.model.model,
        [cut.user_flop for cut in profile.cuts],
        [cut.transfer_bits for cut in profile.cuts],
        profile.user.platform,
        profile.network.platform,
        profile.link.uplink,
        profile.carbon_kg_per_kwh,
    )
    columns = {
        "accuracy": figures.accuracy,
        "userSeconds": figures.user_seconds,
        "transferSeconds": figures.transfer_seconds,
        "networkSeconds": figures.network_seconds,
        "latencySeconds": figures.latency_seconds,
        "energyJoules": figures.energy_joules,
        "energyEfficiencyBitPerJoule": figures.bits_per_joule,
        "carbonGrams": figures.carbon_grams,
    }
    cuts = [
        {"name": cut.name, **{key: float(column[row]) for key, column in columns.items()}}
        for row, cut in enumerate(profile.cuts)
    ]
    density = _density(profile, profile.model.total_flop, profile.model.input_bits)
    coverage = {} if profile.coverage is None else {"coverage": _coverage(profile.coverage, profile.model.accuracy)}
    return {"cuts": cuts, **density, **coverage}


def of_training(profile: TrainingProfile) -> Json:
    """Return the figures of the training, and the density where the profile describes an area."""
    found = _trained(profile)
    per_round = found.per_round
    # Without compute in the network the radio alone bounds the density.
    central = profile.mode == "centralised"
    flops = profile.model.flop_per_sample * profile.rounds * profile.epochs_per_round if central else None
    return {
        "perSample": {"computeSeconds": found.sample_seconds, "computeJoules": found.sample_joules},
        "perRound": {
            "computeJoules": per_round.compute_joules,
            "communicationJoules": per_round.communication_joules,
            "communicationSeconds": per_round.communication_seconds,
            "computeSeconds": per_round.compute_seconds,
        },
        "total": {"seconds": found.seconds, "joules": found.joules, "carbonGrams": found.carbon_grams},
        "energyEfficiencyBitPerJoule": found.sample_bits_per_joule,
        "totalEnergyEfficiencyBitPerJoule": found.bits_per_joule,
        **_density(profile, flops, profile.model.input_bits),
    }


def of_data(profile: DataProfile) -> Json:
    """Return completeness and redundancy; redundancy is judged among the samples that lost nothing."""
    samples = np.array(profile.samples, dtype=np.float64)
    whole = samples[kpi_data.lossless(samples)]
    levels = profile.levels
    coded = kpi_data.symbols(whole) if levels is None else kpi_data.quantised(whole, levels)
    twins = int(kpi_data.redundant(whole, profile.epsilon).sum())
    return {
        "samples": len(samples),
        "losslessSamples": len(whole),
        "completeness": kpi_data.completeness(len(whole), len(samples)),
        "redundancyBits": kpi_data.redundancy_bits(coded),
        "redundantSamples": twins,
        "redundantShare": twins / len(whole) if len(whole) else 0.0,
    }


def _trained(profile: TrainingProfile) -> TrainingKpi:
    link, carbon = profile.link, profile.carbon_kg_per_kwh
    if profile.mode == "centralised":
        return centralised(profile.work, profile.network.platform, link.uplink, carbon)
    return distributed(profile.work, profile.user.platform, link.downlink, link.uplink, link.channel, carbon)


def _density(profile: Sides, flops: float | None, input_bits: float) -> Json:
    area = profile.density
    if area is None:
        return {}
    radio = communication_density(area.sites_per_km2, area.bandwidth_hz, area.spectral_efficiency_bit_per_second_per_hz)
    if flops is None:
        return {"density": {"communicationBitPerSecondPerKm2": float(radio), "bitPerSecondPerKm2": float(radio)}}
    density = Density(
        radio, compute_density(area.compute_nodes_per_km2, profile.network.flop_per_second, flops, input_bits)
    )
    return {
        "density": {
            "communicationBitPerSecondPerKm2": float(density.communication),
            "computeBitPerSecondPerKm2": float(density.compute),
            "bitPerSecondPerKm2": float(density.service),
        }
    }


def _coverage(area: CoverageProfile, accuracy: float) -> float:
    return covered(
        [cell.area_km2 for cell in area.cells],
        [cell.bit_per_second for cell in area.cells],
        [accuracy * cell.reliability for cell in area.cells],
        min_rate=area.min_bit_per_second,
        min_accuracy=area.min_accuracy,
    )
