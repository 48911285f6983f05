"""Free TCP ports of 127.0.0.1 for a cluster, no two clusters the same."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection, Sequence

from cluster.errors import ClusterError

# Below the range from which Linux takes the ports of outgoing connections, so that none of those comes in between.
_FIRST, _LAST = 20000, 29999


def choose(names: Sequence[str], taken: Collection[int]) -> dict[str, int]:
    """A free port for each name, none of them among `taken`, the ports of other clusters that may be about to start."""
    order = random.sample(range(_FIRST, _LAST + 1), _LAST - _FIRST + 1)
    free = (port for port in order if port not in taken and is_free(port))
    chosen = dict(zip(names, free, strict=False))
    if len(chosen) < len(names):
        raise ClusterError(f"fewer than {len(names)} free ports in {_FIRST}-{_LAST} on 127.0.0.1: stop another cluster")
    return chosen


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
