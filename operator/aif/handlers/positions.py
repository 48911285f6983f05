"""Reads where the users of services are, remembers it for a while, and has those looked at who should move ahead."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from aif.api.aiservice import AIService
from aif.api.migration_status import MigrationResult
from aif.contract.answers import Row
from aif.contract.profiles import Profile, Signal
from aif.domain.policy import Policy
from aif.handlers.asking import MetricsSource, ask
from aif.planning.mobility.moves import Verdict
from aif.reconcile.moving.state import moment
from aif.scheduling.node_table import NodeTable
from aif.scheduling.whereabouts import Track, Whereabouts, foresee

SITE: Final = "site"
"""Label of a row that names the ComputeNode of the radio site."""

BY: Final = f"namespace, aiservice, {SITE}"

MOST_READINGS: Final = 5760
"""Readings that are kept of a service: a day of them, four a minute."""

STARTING_SECONDS: Final = 10.0
"""What a new copy takes until it is looked at, where none has come yet."""

Table = Callable[[datetime], NodeTable]


class Positions:
    """Follows the users of all placed services whose metric profile tells where they are.

    Nobody is followed but groups: what is read is at which site most users of a service are. It is kept in memory
    alone, and forgotten with the service.
    """

    def __init__(
        self,
        source: MetricsSource,
        profiles: Mapping[str, Profile],
        table: Table,
        policy: Policy,
        changed: Callable[[AIService], None],
    ) -> None:
        self._source = source
        self._told = {name: each for name, each in profiles.items() if Signal.UE_SITE in each.queries}
        self._table = table
        self._policy = policy
        self._changed = changed
        self._tracks: dict[str, deque[str]] = {}
        self._found: dict[str, Whereabouts] = {}
        self._last: datetime | None = None

    def of(self, owner: str) -> Whereabouts | None:
        """Return where the users of a service (uid) are; None where nobody tells."""
        return self._found.get(owner)

    async def tick(self, services: Iterable[AIService], now: datetime) -> None:
        """Read once, and predict beside the event loop."""
        followed = [service for service in services if service.spec.metrics.profile in self._told]
        self._tracks = {uid: self._tracks.get(uid, _nothing()) for uid in (each.metadata.uid for each in followed)}
        step, self._last = (now - self._last).total_seconds() if self._last else 0.0, now
        if not followed:
            self._found = {}
            return
        self._remember(followed, await self._ask({each.spec.metrics.profile for each in followed}, now))
        before, table = self._found, self._table(now)
        self._found = await asyncio.to_thread(self._foresee, followed, table, step)
        for service in followed:
            found = self._found.get(service.metadata.uid)
            if found is not None and found.verdict is Verdict.MOVE and found != before.get(service.metadata.uid):
                self._changed(service)

    async def _ask(self, names: Iterable[str], now: datetime) -> Mapping[str, Sequence[Row]]:
        questions = {name: self._told[name].query(Signal.UE_SITE, 0, BY) or "" for name in sorted(names)}
        return await ask(self._source, questions, now.timestamp())

    def _remember(self, followed: Iterable[AIService], answers: Mapping[str, Sequence[Row]]) -> None:
        crowds = {name: _crowds(rows) for name, rows in answers.items()}
        for service in followed:
            meta = service.metadata
            crowd = crowds.get(service.spec.metrics.profile, {}).get((meta.namespace, meta.name), {})
            self._tracks[meta.uid].append(max(sorted(crowd), key=lambda site: crowd[site], default=""))

    def _foresee(self, followed: Iterable[AIService], table: NodeTable, step: float) -> dict[str, Whereabouts]:
        found: dict[str, Whereabouts] = {}
        for service in followed:
            uid = service.metadata.uid
            track = Track(tuple(self._tracks[uid]), step)
            told = foresee(service, track, table, self._policy, move_seconds(service))
            if told is not None:
                found[uid] = told
        return found


def _nothing() -> deque[str]:
    return deque(maxlen=MOST_READINGS)


def _crowds(rows: Iterable[Row]) -> dict[tuple[str, str], dict[str, float]]:
    """Return how many users are at each site, by service; what is not above zero is nobody."""
    crowds: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        site = row.labels.get(SITE, "")
        if site and row.value > 0.0:
            who = row.labels.get("namespace", ""), row.labels.get("aiservice", "")
            crowds.setdefault(who, {})[site] = row.value
    return crowds


def move_seconds(service: AIService) -> float:
    """Return how long a move takes until the new copy serves: as the last one did, less its probation and drain."""
    bounds = service.spec.migration
    done = [each for each in service.status.migrations if each.result == MigrationResult.COMPLETED]
    if not done or done[-1].started_at is None or done[-1].ended_at is None:
        return STARTING_SECONDS + bounds.verify_seconds
    took = (moment(done[-1].ended_at) - moment(done[-1].started_at)).total_seconds()
    return max(STARTING_SECONDS, took - bounds.verify_seconds - bounds.drain_seconds)
