"""What is learnt of nodes from their copies, and when it is worth a write ([AIF] calibrated capability)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, isfinite, log, sqrt
from typing import Final

import numpy as np

from aif.api.measured import DeviceCalibration, Efficiency
from aif.contract.calibration import FAR, SURE, Calibration

MOVED: Final = 0.05
"""Share by which an efficiency must have moved since it was written."""

CLASSES: Final = (50, 80)
"""Confidence in per cent from which on it is medium, and high."""

WRITE_SECONDS: Final = 60.0
"""Least time between two writes of one node's calibration."""

BACK_ABOVE: Final = 75
"""Efficiency in per cent from which on a node that was far from its claim is near it again."""

FAR_BELOW: Final = 100 / FAR
"""Efficiency in per cent below which a node is far from its claim."""

_LEAST, _MOST = 1, 10_000

DeviceKey = tuple[str, str]
"""A ComputeNode, and a type of its devices."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at a copy that computed.

    Attributes:
        key: Where it runs.
        expected_seconds: Seconds of a request by the declared figures; NaN where unknown.
        seconds: The same as measured.
        expected_joules: Joules of a request by the declared power and the measured time.
        joules: The same as measured.
    """

    key: DeviceKey
    expected_seconds: float
    seconds: float
    expected_joules: float
    joules: float


@dataclass(slots=True)
class Learnt:
    """All that was learnt, by node and device; it begins with what a predecessor wrote.

    Attributes:
        compute: Declared by measured time, a row each.
        power: Declared by measured energy, a row each.
    """

    compute: Calibration = field(default_factory=lambda: Calibration.nothing(0))
    power: Calibration = field(default_factory=lambda: Calibration.nothing(0))
    _rows: dict[DeviceKey, int] = field(default_factory=dict)

    def watch(self, known: Mapping[DeviceKey, DeviceCalibration | None]) -> None:
        """Learn of exactly the devices ``known``: new ones begin with what was written, others are forgotten."""
        if known.keys() == self._rows.keys():
            return
        keys = sorted(known)
        self.compute = _joined([self._row(self.compute, key, _part(known[key], "compute")) for key in keys])
        self.power = _joined([self._row(self.power, key, _part(known[key], "power")) for key in keys])
        self._rows = {key: row for row, key in enumerate(keys)}

    def observe(self, observations: Iterable[Observation]) -> frozenset[str]:
        """Take in ``observations`` of watched devices; return the nodes of which something was learnt."""
        queues: defaultdict[int, list[Observation]] = defaultdict(list)
        for each in observations:
            if each.key in self._rows:
                queues[self._rows[each.key]].append(each)
        seen = {
            each.key[0] for queue in queues.values() for each in queue if isfinite(each.seconds + each.expected_seconds)
        }
        while queues:  # one observation of each device at a time
            turn = {row: queue.pop() for row, queue in queues.items()}
            self._take(turn)
            queues = defaultdict(list, {row: queue for row, queue in queues.items() if queue})
        return frozenset(seen)

    def told(self, key: DeviceKey, now: str) -> DeviceCalibration | None:
        """Return what is known of a device as the status tells it; None where nothing is."""
        row = self._rows.get(key)
        if row is None:
            return None
        compute, power = _efficiency(self.compute, row), _efficiency(self.power, row)
        if compute is None and power is None:
            return None
        return DeviceCalibration(device=key[1], compute=compute, power=power, updated_at=now)

    def _take(self, turn: Mapping[int, Observation]) -> None:
        columns = np.full((4, len(self._rows)), np.nan)
        for row, each in turn.items():
            columns[:, row] = (each.expected_seconds, each.seconds, each.expected_joules, each.joules)
        self.compute = self.compute.observe(columns[0], columns[1])
        self.power = self.power.observe(columns[2], columns[3])

    def _row(self, known: Calibration, key: DeviceKey, written: Efficiency | None) -> tuple[float, float, float]:
        row = self._rows.get(key)
        if row is not None:
            return float(known.weight[row]), float(known.mean[row]), float(known.spread[row])
        if written is None:
            return 0.0, 0.0, 0.0
        weight = float(written.observations)
        return weight, log(written.measured_percent / 100), weight * (written.spread_percent / 100) ** 2


def _joined(rows: Sequence[tuple[float, float, float]]) -> Calibration:
    weight, mean, spread = np.array(rows, dtype=np.float64).reshape(-1, 3).T.copy()
    return Calibration(weight, mean, spread)


def _part(known: DeviceCalibration | None, name: str) -> Efficiency | None:
    part: Efficiency | None = getattr(known, name, None)
    return part


def _efficiency(known: Calibration, row: int) -> Efficiency | None:
    weight = float(known.weight[row])
    if weight <= 0.0:
        return None
    return Efficiency(
        measured_percent=_percent(exp(float(known.mean[row]))),
        efficiency_percent=_percent(float(known.efficiency[row])),
        confidence_percent=round(100 * float(known.confidence[row])),
        spread_percent=min(_MOST, round(100 * sqrt(float(known.spread[row]) / weight))),
        observations=round(weight),
    )


def _percent(ratio: float) -> int:
    return min(_MOST, max(_LEAST, round(100 * ratio)))


def matters(before: Sequence[DeviceCalibration], after: Sequence[DeviceCalibration]) -> bool:
    """Tell whether the difference is worth a write: a new device, an efficiency that moved, a class of confidence."""
    known = {each.device: each for each in before}
    return any(
        each.device not in known
        or _differs(known[each.device].compute, each.compute)
        or _differs(known[each.device].power, each.power)
        for each in after
    )


def _differs(before: Efficiency | None, after: Efficiency | None) -> bool:
    if before is None or after is None:
        return before is not after
    moved = abs(log(after.efficiency_percent / before.efficiency_percent)) > log(1.0 + MOVED)
    return moved or _class(before) != _class(after) or (before.observations >= SURE) != (after.observations >= SURE)


def _class(efficiency: Efficiency) -> int:
    return sum(efficiency.confidence_percent >= bound for bound in CLASSES)


def far(known: Iterable[DeviceCalibration], *, was_far: bool) -> list[tuple[str, Efficiency]]:
    """Return the types of devices that surely compute more slowly than declared, by far.

    Args:
        known: What was learnt.
        was_far: Whether the node was far from its claim before: it is near it again only well above the level.
    """
    bound = BACK_ABOVE if was_far else FAR_BELOW
    found = [(each.device, each.compute) for each in known if each.compute is not None and sure(each)]
    return [(device, compute) for device, compute in found if compute.efficiency_percent < bound]


def sure(known: DeviceCalibration) -> bool:
    """Tell whether enough was seen of a device's computing to say anything of its claim."""
    return known.compute is not None and known.compute.observations >= SURE
