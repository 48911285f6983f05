"""Asks Prometheus for vectors, without holding up anything else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from prometheus_api_client import PrometheusConnect
from urllib3.util.retry import Retry

from aif.errors import ApiError, Rejected, Unavailable
from aif.gateways.exposition import Exposition
from aif.gateways.prometheus.breaker import Breaker
from aif.gateways.prometheus.session import BoundedSession

THREADS: Final = 4
SECONDS: Final = 5.0
"""Bound of one query, from its start to the last byte of its answer."""


@dataclass(frozen=True, slots=True)
class Series:
    """One row of a vector: its labels and its value, which may be NaN or infinite."""

    labels: Mapping[str, str]
    value: float


class Prometheus:
    """A Prometheus server, or whatever speaks its query API."""

    def __init__(self, url: str, metrics: Exposition, *, seconds: float = SECONDS) -> None:
        self._client = PrometheusConnect(url, session=BoundedSession(seconds), retry=Retry(total=1, redirect=0))
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="prometheus")
        self._breaker = Breaker(time.monotonic)
        self._metrics = metrics

    async def query(self, expression: str, at: float) -> tuple[Series, ...]:
        """Return the vector that ``expression`` gives at the time ``at`` (seconds since 1970).

        Raises:
            Rejected: The query is at fault.
            Unavailable: There is no answer, or none is asked for because there was none several times.
        """
        if not self._breaker.lets_pass():
            self._metrics.prometheus_errors_total.labels("left alone").inc()
            raise Unavailable(f"Prometheus failed {self._breaker.failures} times and is left alone for a while")
        loop = asyncio.get_running_loop()
        try:
            rows = await loop.run_in_executor(self._pool, self._ask, expression, at)
        except ApiError as error:
            self._metrics.prometheus_errors_total.labels(type(error).__name__).inc()
            self._judge(error)
            raise
        self._breaker.succeeded()
        return rows

    def close(self) -> None:
        """Let go of connections and threads; a query that is under way is not waited for."""
        self._client.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, expression: str, at: float) -> tuple[Series, ...]:
        return tuple(_series(self._client.custom_query(expression, params={"time": f"{at:.3f}"})))

    def _judge(self, error: ApiError) -> None:
        """A query that is refused says nothing against the server."""
        if isinstance(error, Rejected):
            self._breaker.succeeded()
        else:
            self._breaker.failed()


def _series(rows: Iterable[Any]) -> Iterator[Series]:
    """Yield the rows that can be read; one that cannot is as if it were not there."""
    for row in rows:
        try:
            labels, (_, value) = row["metric"], row["value"]
            yield Series({str(key): str(text) for key, text in labels.items()}, float(value))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
