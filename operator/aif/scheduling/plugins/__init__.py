"""The plug-ins of a decision: what rules a node out, in this order, and what makes one better than another."""

from __future__ import annotations

from typing import Final

from aif.scheduling.framework import Filter, Score
from aif.scheduling.plugins.accelerator import Accelerator
from aif.scheduling.plugins.accuracy import Accuracy
from aif.scheduling.plugins.accuracy_margin import AccuracyMargin
from aif.scheduling.plugins.availability import Availability
from aif.scheduling.plugins.availability_margin import AvailabilityMargin
from aif.scheduling.plugins.balance import Balance
from aif.scheduling.plugins.bandwidth import Bandwidth
from aif.scheduling.plugins.bandwidth_margin import BandwidthMargin
from aif.scheduling.plugins.carbon import Carbon
from aif.scheduling.plugins.compute import Compute
from aif.scheduling.plugins.compute_margin import ComputeMargin
from aif.scheduling.plugins.cost import Cost
from aif.scheduling.plugins.energy import Energy
from aif.scheduling.plugins.energy_margin import EnergyMargin
from aif.scheduling.plugins.latency import Latency
from aif.scheduling.plugins.latency_margin import LatencyMargin
from aif.scheduling.plugins.memory import Memory
from aif.scheduling.plugins.node_ready import NodeReady
from aif.scheduling.plugins.packing import Packing
from aif.scheduling.plugins.privacy import Privacy
from aif.scheduling.plugins.security import Security
from aif.scheduling.plugins.stability import Stability
from aif.scheduling.plugins.telemetry import Telemetry
from aif.scheduling.plugins.tier_and_selector import TierAndSelector

FILTERS: Final[tuple[Filter, ...]] = (
    TierAndSelector(),
    NodeReady(),
    Telemetry(),
    Privacy(),
    Security(),
    Accelerator(),
    Memory(),
    Compute(),
    Bandwidth(),
    Latency(),
    Accuracy(),
    Availability(),
    Energy(),
)
"""A node is told the first that it fails: what its user can do least about comes first."""

CONTRACT: Final[tuple[Score, ...]] = (
    LatencyMargin(),
    EnergyMargin(),
    AccuracyMargin(),
    AvailabilityMargin(),
    BandwidthMargin(),
    ComputeMargin(),
)
"""Scores of the dimensions that a service may ask for, named as in ``spec.qos``, which also holds their weights."""

STABILITY: Final[Score] = Stability()

HOUSEKEEPING: Final[tuple[Score, ...]] = (Packing(), Balance(), Cost(), Carbon())
"""Scores of what the administrator cares for."""
