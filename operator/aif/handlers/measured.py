"""What was measured of resources and nodes, as far as anything measures; those who measure fill it in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aif.api.measured import DeviceCalibration
from aif.contract.pressure import Pressure
from aif.contract.telemetry import NodeReading
from aif.scheduling.whereabouts import Whereabouts


@dataclass(slots=True)
class Measured:
    """Where decisions look up what was measured; nothing was until somebody measures.

    Attributes:
        pressures: Returns what presses on the pods of a service (uid); None where nothing measures.
        reading: Returns what exporters tell of a ComputeNode; None where nothing measures.
        users: Returns where the users of a service (uid) are; None where nobody tells.
        learnt: Returns what was learnt of the devices of a ComputeNode.
    """

    pressures: Callable[[str], tuple[Pressure, ...] | None] = lambda _: None
    reading: Callable[[str], NodeReading | None] = lambda _: None
    users: Callable[[str], Whereabouts | None] = lambda _: None
    learnt: Callable[[str], tuple[DeviceCalibration, ...]] = lambda _: ()
