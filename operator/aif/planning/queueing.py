"""Waiting for a free server: M/G/c with the tail of M/M/c, scaled by the variation of the service time.

A request waits with the Erlang C probability; a wait is exponential with the mean of M/M/c times (1 + cs²)/2, where cs²
is the squared coefficient of variation of the service time (the Allen-Cunneen approximation). It is exact for cs² = 1;
a fixed amount of work per request has cs² = 0.
"""

from __future__ import annotations

import numpy as np

from aif.planning.arrays import FloatArray

FIXED_WORK = 0.0
"""cs² where every request is the same amount of work."""


def erlang_c(servers: int, utilisation: FloatArray) -> FloatArray:
    """Return the probability that a request finds all servers taken, with a utilisation u of each.

    1 where u >= 1; NaN where u is.
    """
    busy = np.minimum(utilisation, 1.0)
    load = servers * busy
    blocking = np.ones_like(load)
    for server in range(1, servers + 1):
        blocking = load * blocking / (server + load * blocking)
    return np.asarray(blocking / (1.0 - busy * (1.0 - blocking)))


def wait_quantile(
    share: float, rate: float, servers: int, service_seconds: FloatArray, variation: float = FIXED_WORK
) -> FloatArray:
    """Return the time within which ``share`` of the requests get a server, in seconds.

    W(p) = max(0, (1 + cs²)/2 · S/(c(1 - u)) · ln(C(c, u)/(1 - p)),  u = rate · S/c)

    Args:
        share: p, such as 0.99.
        rate: Requests per second, for all servers together.
        servers: c, at least 1.
        service_seconds: S, the mean time on a server, per node.
        variation: cs².

    Returns:
        Infinite where the servers cannot keep up (u >= 1), NaN where S is NaN.
    """
    utilisation = rate * service_seconds / servers
    idle = np.where(utilisation < 1.0, 1.0 - utilisation, np.nan)
    tail = np.log(np.maximum(1.0, erlang_c(servers, utilisation) / (1.0 - share)))
    wait = 0.5 * (1.0 + variation) * service_seconds / (servers * idle) * tail
    return np.where(utilisation >= 1.0, np.inf, wait)
