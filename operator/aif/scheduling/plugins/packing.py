"""Nodes fill up so that the devices which stay free are of use to what comes next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aif.api.computenode import CPU
from aif.planning.arrays import FloatArray, IntArray
from aif.planning.packing import Mix, Requests, Room, preference
from aif.scheduling.problem import Problem


@dataclass(frozen=True, slots=True)
class Packing:
    """Scores by how much less, or more, of the free devices a service out of ``mix`` could use afterwards.

    Attributes:
        mix: What services ask for; that of the service itself where nobody tells.
    """

    mix: Mix | None = None
    name: str = "packing"

    def score(self, problem: Problem, rows: IntArray) -> FloatArray:
        """Return 50 where nothing changes, more where fragmentation goes; NaN for a service without devices."""
        demand, room = problem.demand, problem.table.room
        if demand.device == CPU:
            return np.full(len(rows), np.nan)
        mix = self.mix or _alone(float(np.nan_to_num(demand.cores)), demand.devices)
        cores, devices = room.free_of(CPU).take(rows), np.floor(room.free_of(demand.device).take(rows))
        before = _whole(cores, devices)
        after = _whole(cores - demand.amount(CPU), devices - demand.amount(demand.device))
        largest = room.allocatable_of(CPU).max(initial=1.0), room.allocatable_of(demand.device).max(initial=1.0)
        return np.asarray(100.0 / (1.0 + np.exp(-preference(mix, before, after, largest))))


def _alone(cores: float, devices: int) -> Mix:
    """Return the mix in which everybody asks for the same."""
    one = np.ones(1)
    return Mix.of(Requests(cores * one, one, np.array([devices], dtype=np.int64), one))


def _whole(cores: FloatArray, devices: FloatArray) -> Room:
    """Return the room of nodes whose devices are free or taken as a whole."""
    most = int(devices.max(initial=0.0))
    free = (np.arange(most) < devices[:, None]).astype(np.float64)
    return Room(cores, free, np.zeros(len(cores), dtype=np.int64))
