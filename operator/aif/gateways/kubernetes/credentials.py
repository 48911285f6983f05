"""Who the operator is to the API server: tokens that are renewed before or when they expire."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config
from yaml import YAMLError

from aif.errors import InvalidSetting, Unavailable

RENEW_BEFORE: Final = timedelta(minutes=5)
_PAUSE_SECONDS: Final = 5.0
_BEARER: Final = "BearerToken"


class Credentials(Protocol):
    """Where the API server is, and the value of the header Authorization."""

    configuration: Configuration

    async def header(self) -> str | None:
        """Return the header's value, renewed where it has expired; None with a client certificate."""

    async def refused(self) -> bool:
        """Renew after the API server refused the credentials; return whether it is worth another attempt."""


class PodAccount:
    """The pod's own ServiceAccount; the kubelet rotates its token in a file, which is read anew every minute."""

    def __init__(self) -> None:
        self.configuration = Configuration()
        self._load()

    async def header(self) -> str | None:
        """Return the token of the file."""
        return await self.configuration.get_api_key_with_prefix(_BEARER)

    async def refused(self) -> bool:
        """Read the file again; return whether it holds another token."""
        before = await self.header()
        self._load()
        return await self.header() != before

    def _load(self) -> None:
        try:
            load_incluster_config(self.configuration)  # type: ignore[no-untyped-call]
        except ConfigException as error:
            raise InvalidSetting("KUBERNETES_SERVICE_HOST", f"is set, but the pod's account: {error}") from error


class KubeconfigUser:
    """A user of a kubeconfig: certificate, token, token file or a plug-in that is run again as its token expires."""

    def __init__(self, files: str, context: str) -> None:
        self.configuration = Configuration()
        self._files = files
        self._context = context
        self._expiry: datetime | None = None
        self._loaded_at = 0.0
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Read the files, and run the plug-in where they name one.

        Raises:
            InvalidSetting: They cannot be read or name no such context.
        """
        try:
            loader = await load_kube_config(  # type: ignore[no-untyped-call]
                config_file=self._files or str(default_kubeconfig()),
                context=self._context or None,
                client_configuration=self.configuration,
                persist_config=False,
            )
        except (ConfigException, YAMLError, OSError, ValueError, TypeError) as error:
            raise InvalidSetting("KUBECONFIG", f"cannot be used: {error}") from error
        self._expiry = getattr(loader, "exec_plugin_expiry", None)
        self._loaded_at = asyncio.get_running_loop().time()

    async def header(self) -> str | None:
        """Return the token, from a new run of the plug-in five minutes before the old one expires."""
        if self._expiry is not None and datetime.now(UTC) >= self._expiry - RENEW_BEFORE:
            await self._reload()
        return self.configuration.api_key.get(_BEARER)

    async def refused(self) -> bool:
        """Read the files again, at most every five seconds."""
        before = self.configuration.api_key.get(_BEARER)
        await self._reload()
        return self.configuration.api_key.get(_BEARER) != before

    async def _reload(self) -> None:
        asked = asyncio.get_running_loop().time()
        async with self._lock:
            if asked - self._loaded_at < _PAUSE_SECONDS:
                return
            try:
                await self.load()
            except InvalidSetting as error:
                raise Unavailable(f"the credentials cannot be renewed: {error.message}") from error


class Authorize:
    """Client middleware that sets the header Authorization per request, and asks once more after a 401."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Send ``request`` with credentials, and once more with new ones where they were refused."""
        answer = await self._send(request, handler)
        if answer.status == HTTPStatus.UNAUTHORIZED and await self._credentials.refused():
            answer.release()
            return await self._send(request, handler)
        return answer

    async def _send(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if value := await self._credentials.header():
            request.headers["Authorization"] = value
        return await handler(request)


def default_kubeconfig() -> Path:
    """Return where kubectl looks when KUBECONFIG is not set."""
    return Path.home() / ".kube" / "config"
