"""Several processes that learn one model together; gradients are averaged by PyTorch's DDP."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from aif_runtime.backends.choosing import Place
from aif_runtime.learning.arrays import Array, Floats

SILENCE: Final = timedelta(minutes=10)
"""After so long without a sign of the others a worker gives them up; one whose process ends is noticed at once."""


class Workers:
    """This process among those that learn together, in a group of gloo.

    Without an address the group is made by the variables that torchrun has set. The first worker dials itself by the
    loopback: not every network leads a Service back to the pod that it came from.
    """

    def __init__(self, place: Place) -> None:
        if place.address:
            host, _, port = place.address.rpartition(":")
            method = f"tcp://{host if place.rank else '127.0.0.1'}:{port}"
            dist.init_process_group("gloo", method, SILENCE, place.size, place.rank)
        else:
            dist.init_process_group("gloo", timeout=SILENCE)
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def parallel(self, model: nn.Module) -> nn.Module:
        """Return a model whose gradients are the mean over all workers; all begin with the numbers of the first."""
        return DistributedDataParallel(model)

    def share(self, x: Floats, y: Array) -> tuple[Floats, Array, float]:
        """Return this worker's examples of a batch, and the weight of their mean loss; all where there are too few."""
        if len(x) < self.size:
            return x, y, 1.0
        own = slice(self.rank, None, self.size)
        return x[own], y[own], len(x[own]) * self.size / len(x)

    def mean(self, value: float) -> float:
        """Return the mean of a value over all workers."""
        found = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(found)
        return found.item() / self.size

    def alike(self, value: float) -> bool:
        """Return whether all workers give the same value."""
        found = torch.tensor([value, -value], dtype=torch.float64)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return bool(found[0] == -found[1])

    def agreed(self, *, done: bool) -> bool:
        """Return what the first worker says: others may see numbers that differ in the last bit."""
        found = torch.tensor(int(done))
        dist.broadcast(found, 0)
        return bool(found.item())

    def leave(self) -> None:
        """Leave the group, once all are there."""
        dist.barrier()
        dist.destroy_process_group()
