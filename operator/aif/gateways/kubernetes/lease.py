"""Elects the one replica that acts, by a Lease, and fences all others off."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final

from aif.errors import ApiError, NotFound
from aif.gateways.backoff import jittered
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.client import Api, Json
from aif.gateways.kubernetes.resources import LEASES
from aif.settings import Settings

log = logging.getLogger(__name__)

ATTEMPT_SECONDS: Final = 4.0
"""Bound of one attempt, read and write together."""


def steady_clock() -> float:
    """Return seconds that only ever grow, those included in which the machine slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def unique(identity: str) -> str:
    """Return ``identity`` with a random part, so that a restarted replica does not take itself for its predecessor."""
    return f"{identity}_{secrets.token_hex(4)}"


class Elector:
    """Takes, holds and releases one Lease.

    Expiry counts on this machine's steady clock from when it saw the Lease change; wall clocks are never compared.

    Attributes:
        identity: The holder's name that this replica writes.
    """

    def __init__(
        self, api: Api, settings: Settings, *, metrics: Exposition, clock: Callable[[], float] = steady_clock
    ) -> None:
        self.identity = unique(settings.identity)
        self._api = api
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._deadline = float("-inf")
        self._observed: tuple[Any, Any] | None = None
        self._observed_at = 0.0

    def is_leader(self) -> bool:
        """Return whether this replica may write now."""
        return self._clock() < self._deadline

    async def acquire(self) -> None:
        """Return once this replica holds the Lease."""
        while True:
            if await self._attempt():
                break
            await asyncio.sleep(jittered(self._settings.lease_retry_seconds, 0.1))
        self._metrics.leader.set(1)
        log.info("Acquired Lease", extra={"lease": self._settings.lease_name, "identity": self.identity})

    async def hold(self) -> None:
        """Renew the Lease; return when it is lost, after which the process must end."""
        while self.is_leader():
            await asyncio.sleep(self._settings.lease_retry_seconds)
            await self._attempt()
        self._metrics.leader.set(0)
        log.error("Lost Lease", extra={"lease": self._settings.lease_name, "identity": self.identity})

    async def release(self) -> None:
        """Give the Lease back, so that another replica takes over at once; cancel `hold` before.

        From the first moment on this replica is no leader, also where giving back fails.
        """
        self._deadline = float("-inf")
        self._metrics.leader.set(0)
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                lease = await self._read()
                if lease["spec"].get("holderIdentity") == self.identity:
                    lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                    await self._replace(lease)
        except (ApiError, TimeoutError) as error:
            log.warning("Failed to release Lease", extra={"error": str(error)})

    async def _attempt(self) -> bool:
        """Take or renew the Lease; return whether that succeeded. Any failure is a failed attempt."""
        started = self._clock()
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                taken = await self._take_or_renew()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, the deadline stands and the next attempt comes
            log.warning("Failed to renew Lease", extra={"error": repr(error)})
            return False
        if taken:
            self._deadline = started + self._settings.lease_renew_seconds
        return taken

    async def _take_or_renew(self) -> bool:
        now = _wall_clock()
        try:
            lease = await self._read()
        except NotFound:
            await self._create(now)
            return True
        spec = lease.setdefault("spec", {})
        if self._is_held_by_another(spec):
            return False
        if spec.get("holderIdentity") != self.identity:
            spec |= {"acquireTime": now, "leaseTransitions": int(spec.get("leaseTransitions") or 0) + 1}
        spec |= {"holderIdentity": self.identity, "renewTime": now, "leaseDurationSeconds": self._duration}
        await self._replace(lease)
        return True

    def _is_held_by_another(self, spec: Json) -> bool:
        holder = spec.get("holderIdentity")
        record = (holder, spec.get("renewTime"))
        if record != self._observed:
            self._observed, self._observed_at = record, self._clock()
        if not holder or holder == self.identity:
            return False
        duration = float(spec.get("leaseDurationSeconds") or self._settings.lease_duration_seconds)
        return self._clock() < self._observed_at + duration

    @property
    def _duration(self) -> int:
        return ceil(self._settings.lease_duration_seconds)

    async def _read(self) -> Json:
        path = LEASES.path(self._settings.namespace, self._settings.lease_name)
        return await self._api.request("GET", path, seconds=ATTEMPT_SECONDS)

    async def _create(self, now: str) -> None:
        spec = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self._duration,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": 0,
        }
        metadata = {"name": self._settings.lease_name, "namespace": self._settings.namespace}
        body = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}
        await self._api.request("POST", LEASES.path(self._settings.namespace), body=body, seconds=ATTEMPT_SECONDS)

    async def _replace(self, lease: Json) -> None:
        """Write ``lease`` over the one that was read: its resourceVersion lets only one of two rivals through."""
        path = LEASES.path(self._settings.namespace, self._settings.lease_name)
        await self._api.request("PUT", path, body=lease, seconds=ATTEMPT_SECONDS)


def _wall_clock() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
