"""Which examples go to which client."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from aif_runtime.learning.arrays import Array
from aif_runtime.learning.errors import InvalidRole

SMALLEST: Final = 10
_TRIES: Final = 1000
_SEED: Final = 7919

Rows = NDArray[np.int64]


def shares(y: Array, clients: int, alpha: float, seed: int) -> tuple[Rows, ...]:
    """Return the rows of each client: every row once, the same for the same seed.

    ``alpha`` of 0 deals equal shares at random; above, each class is spread by a Dirichlet distribution, drawn anew
    where a client would get fewer than ten examples.

    Raises:
        InvalidRole: There are too few examples for so many clients, or for so small an alpha.
    """
    generator = default_rng([seed, clients, _SEED])
    least = min(SMALLEST, len(y) // clients)
    if not least:
        raise InvalidRole(f"data.clients: {clients} clients are too many for {len(y)} examples")
    if not alpha or y.ndim > 1:
        return tuple(np.sort(part) for part in np.array_split(generator.permutation(len(y)), clients))
    classes = [np.flatnonzero(y == value) for value in np.unique(y)]
    for _ in range(_TRIES):
        owners = np.empty(len(y), dtype=np.int64)
        for rows in classes:
            bounds = np.cumsum(generator.dirichlet(np.full(clients, alpha)))[:-1] * len(rows)
            owners[generator.permutation(rows)] = np.searchsorted(bounds, np.arange(len(rows)), side="right")
        if np.bincount(owners, minlength=clients).min() >= least:
            return tuple(np.flatnonzero(owners == client) for client in range(clients))
    raise InvalidRole(
        f"data.alpha: {alpha:g} leaves one of {clients} clients without {least} examples; choose a larger"
    )
