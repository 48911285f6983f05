"""At most one replica leads, whatever the network does to any of them."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.errors import Conflict, NotFound, Unavailable
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes.client import Api
from aif.gateways.kubernetes.lease import Elector, unique
from aif.gateways.kubernetes.writer import WRITE_SECONDS
from aif.settings import Settings
from tests.gateways.kubernetes.conftest import Gateways
from tests.virtual_time import now, run

LEASE = "/apis/coordination.k8s.io/v1/namespaces/aif-system/leases/aif-operator"
Cut = tuple[float, float, bool]
"""Begin and end of a partition in seconds, and whether requests still arrive while answers are lost."""


class Shared:
    """The one Lease, as the API server keeps it."""

    def __init__(self) -> None:
        self.version = 0
        self.lease: dict[str, Any] | None = None

    def carry_out(self, method: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """Read, create or replace the Lease, by resourceVersion."""
        if method == "GET" or body is None:
            if self.lease is None:
                raise NotFound("no Lease")
            return copy.deepcopy(self.lease)
        known = body["metadata"].get("resourceVersion")
        if known != (self.lease["metadata"]["resourceVersion"] if self.lease else None):
            raise Conflict("somebody else wrote first")
        self.version += 1
        self.lease = copy.deepcopy(body)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        return copy.deepcopy(self.lease)


class Line:
    """One replica's line to the API server: slow, and cut at times."""

    def __init__(self, shared: Shared, latency: float = 0.1, cuts: Sequence[Cut] = ()) -> None:
        self._shared = shared
        self._latency = latency
        self._cuts = cuts

    async def request(
        self, method: str, _: str, *, body: dict[str, Any] | None = None, seconds: float
    ) -> dict[str, Any]:
        """Carry out a request half-way through its latency, and answer unless the line is cut then."""
        try:
            async with asyncio.timeout(seconds):
                await self._pass(arriving=True)
                answer = self._shared.carry_out(method, body)
                await self._pass(arriving=False)
                return answer
        except TimeoutError:
            raise Unavailable("too slow") from None

    async def _pass(self, *, arriving: bool) -> None:
        await asyncio.sleep(self._latency / 2)
        for begin, end, arrives in self._cuts:
            if begin <= now() < end and not (arriving and arrives):
                await asyncio.sleep(60)


def an_elector(line: Line, identity: str = "pod") -> Elector:
    """Return an elector of that line, on virtual time."""
    return Elector(cast("Api", line), Settings(identity=identity), metrics=Exposition(), clock=now)


async def serve(elector: Elector) -> None:
    """Lead whenever elected, as a replica that is started again each time does."""
    while True:
        await elector.acquire()
        await elector.hold()


async def who_leads(electors: Sequence[Elector], seconds: float, step: float = 0.25) -> list[set[int]]:
    """Run ``electors`` and return, step by step, which of them lead."""
    tasks = [asyncio.create_task(serve(elector)) for elector in electors]
    seen = []
    for _ in range(round(seconds / step)):
        await asyncio.sleep(step)
        seen.append({number for number, elector in enumerate(electors) if elector.is_leader()})
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seen


def cuts() -> st.SearchStrategy[list[Cut]]:
    """Return strategies of partitions within three minutes."""
    cut = st.tuples(st.integers(0, 180), st.integers(1, 60), st.booleans())
    return st.lists(cut.map(lambda c: (float(c[0]), float(c[0] + c[1]), c[2])), max_size=4)


@given(st.lists(st.tuples(st.sampled_from([0.01, 0.3, 1.5, 3.0]), cuts()), min_size=3, max_size=3))
def test_three_replicas_never_lead_together_and_no_write_of_one_reaches_into_the_reign_of_the_next(
    lines: list[tuple[float, list[Cut]]],
) -> None:
    async def scenario() -> list[set[int]]:
        shared = Shared()
        return await who_leads([an_elector(Line(shared, latency, cut)) for latency, cut in lines], 240)

    seen = run(scenario())
    assert all(len(leaders) <= 1 for leaders in seen)
    last: tuple[int, int] | None = None
    for step, leaders in enumerate(seen):
        for leader in leaders:
            if last is not None and last[0] != leader:
                assert (step - last[1]) * 0.25 > WRITE_SECONDS
            last = (leader, step)


def test_one_replica_leads_within_the_lease_after_the_leader_is_cut_off() -> None:
    async def scenario() -> list[set[int]]:
        shared = Shared()
        first = an_elector(Line(shared, cuts=[(20.0, 1000.0, False)]))
        await first.acquire()
        holding = asyncio.create_task(first.hold())
        await asyncio.sleep(19)
        seen = await who_leads([an_elector(Line(shared)), an_elector(Line(shared))], 40)
        assert holding.done()
        return seen

    seen = run(scenario())
    assert len(seen[-1]) == 1
    elected = 19 + next(step * 0.25 for step, leaders in enumerate(seen) if leaders)
    assert elected - 20 < 15 + 2 * 2.5  # the Lease, one look to see its last renewal, and one to take it


def test_a_lone_replica_keeps_the_lease() -> None:
    seen = run(_alone())
    assert seen[4:] == [{0}] * (len(seen) - 4)


async def _alone() -> list[set[int]]:
    return await who_leads([an_elector(Line(Shared()))], 120)


def test_a_leader_that_cannot_renew_stops_before_anybody_else_may_begin() -> None:
    async def scenario() -> float:
        elector = an_elector(Line(Shared(), cuts=[(5.0, 1000.0, True)]))
        await elector.acquire()
        await elector.hold()
        return now()

    assert 5 < run(scenario()) < 5 + 15


def test_a_release_hands_over_without_waiting_for_the_lease_to_expire() -> None:
    async def scenario() -> float:
        shared = Shared()
        first, second = an_elector(Line(shared)), an_elector(Line(shared))
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(10)
        began = now()
        await first.release()
        assert not first.is_leader()
        await waiting
        return now() - began

    assert run(scenario()) < 3


def test_a_release_that_fails_still_ends_the_reign() -> None:
    async def scenario() -> bool:
        elector = an_elector(Line(Shared(), cuts=[(3.0, 1000.0, False)]))
        await elector.acquire()
        await asyncio.sleep(4)
        await elector.release()
        return elector.is_leader()

    assert run(scenario()) is False


def test_a_release_leaves_the_lease_of_another_alone() -> None:
    async def scenario() -> tuple[Any, str]:
        shared = Shared()
        first = an_elector(Line(shared))
        await first.acquire()
        await asyncio.sleep(1)
        second = an_elector(Line(shared))
        await second.acquire()
        await first.release()
        assert shared.lease is not None
        return shared.lease["spec"]["holderIdentity"], second.identity

    holder, second = run(scenario())
    assert holder == second


def test_wall_clocks_decide_nothing() -> None:
    async def scenario() -> float:
        shared = Shared()
        shared.lease = {
            "metadata": {"resourceVersion": "0"},
            "spec": {"holderIdentity": "gone", "renewTime": "2999-01-01T00:00:00Z", "leaseDurationSeconds": 15},
        }
        elector = an_elector(Line(shared))
        await elector.acquire()
        return now()

    assert 15 <= run(scenario()) < 19


def test_a_restarted_replica_is_somebody_else() -> None:
    assert unique("pod-1") != unique("pod-1")


async def test_the_lease_on_the_server_tells_who_leads_and_how_often_it_changed(gateways: Gateways) -> None:
    electors = [
        Elector(gateways.api, Settings(identity=name, lease_retry_seconds=0.1), metrics=gateways.metrics)
        for name in ("a", "b")
    ]
    for elector in electors:
        await elector.acquire()
        assert gateways.fake.read(LEASE)["spec"]["holderIdentity"] == elector.identity
        assert gateways.count("aif_leader") == 1
        await elector.release()
        assert gateways.count("aif_leader") == 0
    assert gateways.fake.read(LEASE)["spec"]["leaseTransitions"] == 1


@pytest.mark.parametrize("status", [0, 409, 429, 500])
async def test_any_failure_is_a_failed_attempt(gateways: Gateways, status: int) -> None:
    fault = gateways.fake.fail(method="POST|GET", times=3, status=status)
    elector = Elector(gateways.api, Settings(lease_retry_seconds=0.1), metrics=gateways.metrics)
    await elector.acquire()
    assert elector.is_leader()
    assert fault.fired == 3
