"""Packing devices so that what stays free is of use: expected fragmentation, and how a placement changes it.

Fragmentation is the amount of free devices that a service, drawn from the mix of those that ask for devices, cannot
use: because its kind of request does not fit the rest of a shared device, because too few devices are free, or because
the cores are gone. A placement is the better the less it adds (fragmentation gradient descent, Weng et al., USENIX ATC
2023); among placements that add about the same, the one that leaves the least free is better, so that nodes fill up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from aif.errors import InvalidSpec
from aif.planning.arrays import BoolArray, FloatArray, IntArray

TIGHTNESS: Final = 0.025
"""Devices of fragmentation that weigh as much as leaving a whole node of the largest kind free.

Small, so that it decides only between placements that fragment about alike.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Requests:
    """m kinds of request, a row each.

    Attributes:
        cores: Cores.
        share: Share of each device, above 0 to 1 (whole); 0 where it asks for no device.
        count: Devices.
        weight: How often it is asked for, such as a number of services.
        models: Which device models will do, shape (m, models); None where every model will.
    """

    cores: FloatArray
    share: FloatArray
    count: IntArray
    weight: FloatArray
    models: BoolArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """What is free, in s states.

    Attributes:
        cores: Free cores, shape (s,).
        devices: Free share of each device, shape (s, devices); 0 where there is none.
        model: Model of the devices, shape (s,).
    """

    cores: FloatArray
    devices: FloatArray
    model: IntArray

    @property
    def total(self) -> FloatArray:
        """Return the free devices."""
        return np.asarray(self.devices.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """What services ask for, k kinds of device request with the distribution of the cores that go with each.

    Attributes:
        share, count: Of each kind, as in `Requests`.
        models: Which models each kind can use, shape (k, models).
        cores: Every number of cores that occurs, ascending, shape (c,).
        reach: Share of all requests that are of a kind and get by with so many of ``cores``, shape (c + 1, k); the
            first row is for less than the least.
    """

    share: FloatArray
    count: IntArray
    models: BoolArray
    cores: FloatArray
    reach: FloatArray

    @classmethod
    def of(cls, requests: Requests) -> Self:
        """Return the mix of ``requests``; those without devices count in the whole, since they use none.

        Raises:
            InvalidSpec: A figure is negative, a share above 1, or nothing weighs.
        """
        _judge(requests)
        rows = np.flatnonzero((requests.share > 0.0) & (requests.count > 0) & (requests.weight > 0.0))
        models = np.ones((len(requests.cores), 1), dtype=np.bool_) if requests.models is None else requests.models
        table = np.column_stack([requests.share[rows], requests.count[rows], models[rows]])
        kinds, kind = np.unique(table, axis=0, return_inverse=True)
        cores, step = np.unique(requests.cores[rows], return_inverse=True)
        reach = np.zeros((len(cores) + 1, len(kinds)))
        np.add.at(reach, (step.ravel() + 1, kind.ravel()), requests.weight[rows] / requests.weight.sum())
        kinds = kinds.reshape(-1, table.shape[1])
        counts, able = kinds[:, 1].astype(np.int64), kinds[:, 2:].astype(np.bool_)
        return cls(kinds[:, 0], counts, able, cores, np.cumsum(reach, axis=0))

    def usable(self, room: Room) -> FloatArray:
        """Return the free devices that a request can use, on average over the mix, shape (s,)."""
        fits = room.devices[:, :, None] >= self.share
        enough = np.count_nonzero(fits, axis=1) >= self.count
        amount = np.einsum("sg,sgk->sk", room.devices, fits)
        chance = self.reach[np.searchsorted(self.cores, room.cores, side="right")]
        if self.models.shape[1] > 1:
            chance = chance * self.models.T[room.model]
        return np.asarray(np.sum(chance * enough * amount, axis=1))

    def fragmentation(self, room: Room) -> FloatArray:
        """Return the free devices that a request cannot use, on average over the mix, shape (s,)."""
        return room.total - self.usable(room)

    def whole_fragmentation(self, cores: FloatArray, devices: FloatArray) -> FloatArray:
        """Return the same for nodes of one model whose devices are free or taken as a whole, from a table.

        Args:
            cores: Free cores, shape (s,).
            devices: Free devices, whole numbers, shape (s,).
        """
        free = np.maximum(devices, 0.0).astype(np.int64)
        enough = self.count[:, None] <= np.arange(int(free.max(initial=0)) + 1)
        chance = self.reach @ enough
        return np.asarray(free * (1.0 - chance[np.searchsorted(self.cores, cores, side="right"), free]))


def preference(mix: Mix, before: Room, after: Room, largest: tuple[float, float]) -> FloatArray:
    """Return how good it is to go from ``before`` to ``after``, in devices; more is better.

    That is the fragmentation that goes, less `TIGHTNESS` times the free share of a node of the largest kind.

    Args:
        mix: What services ask for.
        before: s states, or one.
        after: s states that a request would leave behind.
        largest: Cores and devices of the largest node.
    """
    cores, devices = largest
    free = after.cores / cores + (after.total / devices if devices > 0.0 else 0.0)
    return np.asarray(mix.fragmentation(before) - mix.fragmentation(after) - TIGHTNESS * free)


def graded(preference: FloatArray) -> FloatArray:
    """Return a preference as a score: 50 where it is nothing, towards 100 the better and towards 0 the worse it is."""
    return np.asarray(100.0 / (1.0 + np.exp(-preference)))


def _judge(requests: Requests) -> None:
    for name in ("cores", "share", "count", "weight"):
        column = getattr(requests, name)
        if len(wrong := np.flatnonzero(~(np.isfinite(column) & (column >= 0.0)))):
            raise InvalidSpec(f"requests[{wrong[0]}].{name}", f"must be 0 or greater, not {column[wrong[0]]}")
    if len(wrong := np.flatnonzero(requests.share > 1.0)):
        raise InvalidSpec(f"requests[{wrong[0]}].share", "must be at most 1, a whole device")
    if not requests.weight.sum() > 0.0:
        raise InvalidSpec("requests", "at least one must weigh more than 0")
