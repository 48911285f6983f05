"""Elects the one replica that acts, by a Lease, and fences all others off."""

from __future__ import annotations

from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.client import Api


class Elector:
    """Takes, holds and releases one Lease.

    Expiry counts on this machine's monotonic clock from when it saw the Lease change; wall clocks are never compared.
    """

    def __init__(
        self,
        api: Api,
        *,
        namespace: str,
        name: str,
        identity: str,
        metrics: Exposition,
        duration: float = 15.0,
        renew: float = 10.0,
        retry: float = 2.0,
    ) -> None:
        raise NotImplementedError

    def is_leader(self) -> bool:
        """Return whether this replica may write now."""
        raise NotImplementedError

    async def acquire(self) -> None:
        """Return once this replica holds the Lease."""
        raise NotImplementedError

    async def hold(self) -> None:
        """Renew the Lease; return when it is lost, after which the process must end."""
        raise NotImplementedError

    async def release(self) -> None:
        """Give the Lease back, so that another replica takes over at once; cancel `hold` before."""
        raise NotImplementedError
