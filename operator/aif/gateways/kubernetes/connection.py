"""The way to the API server: where it is, who we are, and connections that all parts share."""

from __future__ import annotations

import os
import ssl
from typing import Final

import aiohttp
from kubernetes.aio.client import Configuration

from aif import __version__
from aif.errors import InvalidSetting
from aif.gateways.kubernetes.credentials import (
    Authorize,
    Credentials,
    KubeconfigUser,
    PodAccount,
    default_kubeconfig,
)
from aif.settings import Settings

CONNECTIONS: Final = 64
"""Requests to the API server that run at the same time; each watch holds one."""

LEASE_CONNECTIONS: Final = 2
_KEEPALIVE_SECONDS: Final = 60.0


class Connection:
    """Bounded connections to one API server, with credentials that are renewed as they expire.

    Attributes:
        server: URL of the API server.
    """

    def __init__(self, credentials: Credentials) -> None:
        configuration = credentials.configuration
        self.server: str = configuration.host.rstrip("/")
        self._proxy = configuration.proxy
        self._middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = (
            Authorize(credentials),
            *_named(configuration.tls_server_name),
        )
        context = tls_of(configuration)
        self._shared = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=context, keepalive_timeout=_KEEPALIVE_SECONDS)
        self._lease = aiohttp.TCPConnector(limit=LEASE_CONNECTIONS, ssl=context, keepalive_timeout=_KEEPALIVE_SECONDS)

    def session(self) -> aiohttp.ClientSession:
        """Return a new session over the shared connections; closing it leaves them open."""
        return self._session(self._shared)

    def lease_session(self) -> aiohttp.ClientSession:
        """Return a new session over connections that only the Lease uses, so that no load can starve it."""
        return self._session(self._lease)

    async def close(self) -> None:
        """Close all connections."""
        await self._shared.close()
        await self._lease.close()

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            connector_owner=False,
            middlewares=self._middlewares,
            proxy=self._proxy,
            headers={"User-Agent": f"aif-operator/{__version__}", "Accept": "application/json"},
        )


async def connect(settings: Settings) -> Connection:
    """Return a connection by the kubeconfig of ``settings``, by the pod's own account, or by ``~/.kube/config``.

    Raises:
        InvalidSetting: None of them is there, or the one that is there cannot be used.
    """
    return Connection(await find_credentials(settings))


async def find_credentials(settings: Settings) -> Credentials:
    """Return the credentials that ``settings`` name, else the pod's own, else those that kubectl would use.

    Raises:
        InvalidSetting: There are none, or they cannot be used.
    """
    if not settings.kubeconfig and not settings.context and "KUBERNETES_SERVICE_HOST" in os.environ:
        return PodAccount()
    if not settings.kubeconfig and not default_kubeconfig().exists():
        raise InvalidSetting("KUBECONFIG", "set it to a kubeconfig: there is no pod account and no ~/.kube/config")
    user = KubeconfigUser(settings.kubeconfig, settings.context)
    await user.load()
    return user


def tls_of(configuration: Configuration) -> ssl.SSLContext:
    """Return how to speak TLS by ``configuration``: trusted authorities, client certificate, verification."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    # Python 3.13 became stricter than Kubernetes' own clients: clusters' authorities often lack a key identifier.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _named(name: str | None) -> tuple[aiohttp.ClientMiddlewareType, ...]:
    """Return a middleware that verifies the certificate against ``name``, where the kubeconfig gives one."""

    async def verify_as(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        request.server_hostname = name
        return await handler(request)

    return (verify_as,) if name else ()
