"""The way to the API server: where it is, who we are, and connections that all parts share."""

from __future__ import annotations

import aiohttp

from aif.settings import Settings


class Connection:
    """Bounded connections to one API server, with credentials that are renewed as they expire.

    Attributes:
        server: URL of the API server.
    """

    server: str

    def session(self) -> aiohttp.ClientSession:
        """Return a new session over the shared connections; closing it leaves them open."""
        raise NotImplementedError

    def lease_session(self) -> aiohttp.ClientSession:
        """Return a new session over connections that only the Lease uses."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close all connections."""
        raise NotImplementedError


async def connect(settings: Settings) -> Connection:
    """Return a connection by the kubeconfig of ``settings``, by the pod's own account, or by ``~/.kube/config``.

    Raises:
        InvalidSetting: None of them is there, or the one that is there cannot be used.
    """
    raise NotImplementedError
