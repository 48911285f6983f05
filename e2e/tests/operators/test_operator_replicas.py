"""Two replicas of the operator: one acts, whatever happens to it, and the other takes over."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from audit import Audit, Entry
from network import a_service, a_workload
from operator_account import NAMESPACE
from operator_process import Operators, Replica
from rest import Refused, Rest, eventually
from services import Services

from aif.handlers.triggers import RESERVED_SECONDS

DURATION_S, RENEW_S, RETRY_S = 6.0, 4.0, 1.0
SHORT_LEASE = {
    "AIF_LEASE_DURATION_SECONDS": str(DURATION_S),
    "AIF_LEASE_RENEW_SECONDS": str(RENEW_S),
    "AIF_LEASE_RETRY_SECONDS": str(RETRY_S),
}
HAND_OVER_S = DURATION_S + 2 * RETRY_S + 3.0
"""The Lease's duration, the pause between two looks at it, and some time for a busy machine."""

NAMES = [f"plates-{number}" for number in range(6)]


@pytest.fixture
def pair(operators: Operators) -> Iterator[tuple[Replica, Replica]]:
    """A replica that leads, and one that stands by."""
    leader = operators.start_leading(**SHORT_LEASE)
    standby = operators.start(**SHORT_LEASE)
    eventually(lambda: standby.stands_by, "the second replica stands by")
    yield leader, standby
    for replica in (leader, standby):
        if replica.alive:
            replica.send(signal.SIGCONT)
            replica.end()


@contextmanager
def churn(services: Services) -> Iterator[None]:
    """Change services all the while, so that there is always something to write."""
    over = threading.Event()

    def change() -> None:
        number = 0
        while not over.is_set():
            number += 1
            # A service that is not there yet is no failure: the test looks at what the operator does.
            with suppress(Refused):
                services.patch(NAMES[number % len(NAMES)], {"workload": a_workload(f"plates:{number}")})
            time.sleep(0.03)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        yield
    finally:
        over.set()
        changer.join()


def place_all(services: Services) -> None:
    for name in NAMES:
        services.apply(a_service(name))


def await_rest(services: Services) -> None:
    """Wait until each service is ready with one copy, and no more."""
    services.await_ready(*NAMES)
    eventually(lambda: [len(services.copies(name)) for name in NAMES] == [1] * len(NAMES), "each service has one copy")


def writes_of(replica: Replica, entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.credential == replica.credential]


def assert_apart(first: Replica, second: Replica, audit: Audit) -> None:
    """Fail where the first replica wrote once the second had begun to."""
    entries = audit.writes()
    before, after = writes_of(first, entries), writes_of(second, entries)
    assert before, "the first replica never wrote: the test shows nothing"
    assert after, "the second replica never wrote: the test shows nothing"
    late = [str(entry) for entry in before if entry.succeeded and entry.at > after[0].at]
    assert late == [], f"the second replica wrote from {after[0].at} on"


def assert_no_duplicates(audit: Audit) -> None:
    """Fail where a child was created twice without having been deleted between."""
    alive = set[tuple[str, str, str]]()
    for entry in audit.writes():
        what = (entry.kind, entry.namespace, entry.name)
        if entry.kind != "deployments.apps" or not entry.succeeded:
            continue
        if entry.verb == "delete":
            alive.discard(what)
        elif entry.status == 201:
            assert what not in alive, f"created twice: {entry}"
            alive.add(what)


def test_a_killed_leader_is_replaced_within_the_lease(
    pair: tuple[Replica, Replica], services: Services, audit: Audit
) -> None:
    leader, standby = pair
    from_here = audit.from_now()
    place_all(services)
    with churn(services):
        eventually(lambda: writes_of(leader, from_here.writes()), "the leader is at work")
        leader.kill()
        eventually(lambda: standby.leads, "the standby leads", HAND_OVER_S)
        eventually(lambda: writes_of(standby, from_here.writes()), "the standby is at work")
    await_rest(services)
    assert_apart(leader, standby, from_here)
    assert_no_duplicates(from_here)


def test_a_leader_that_was_frozen_writes_nothing_when_it_wakes(
    pair: tuple[Replica, Replica], services: Services, audit: Audit
) -> None:
    leader, standby = pair
    from_here = audit.from_now()
    place_all(services)
    with churn(services):
        eventually(lambda: writes_of(leader, from_here.writes()), "the leader is at work")
        leader.send(signal.SIGSTOP)
        eventually(lambda: standby.leads, "the standby leads", HAND_OVER_S)
        eventually(lambda: writes_of(standby, from_here.writes()), "the standby is at work")
        leader.send(signal.SIGCONT)
        eventually(lambda: not leader.alive, "the former leader ends itself")
        time.sleep(1)
    assert leader.process.returncode != 0, "to lose the Lease is a failure"
    await_rest(services)
    assert_apart(leader, standby, from_here)
    assert_no_duplicates(from_here)


def test_a_leader_that_is_told_to_stop_hands_over_at_once(
    pair: tuple[Replica, Replica], services: Services, audit: Audit
) -> None:
    leader, standby = pair
    from_here = audit.from_now()
    place_all(services)
    with churn(services):
        eventually(lambda: writes_of(leader, from_here.writes()), "the leader is at work")
        leader.send(signal.SIGTERM)
        eventually(lambda: standby.leads, "the standby leads before the Lease would have ended", RENEW_S)
        assert leader.process.wait(10) == 0
        eventually(lambda: writes_of(standby, from_here.writes()), "the standby is at work")
    await_rest(services)
    assert_apart(leader, standby, from_here)
    assert_no_duplicates(from_here)


def test_a_standby_that_is_told_to_stop_ends_and_leaves_the_leader_alone(pair: tuple[Replica, Replica]) -> None:
    leader, standby = pair
    assert standby.end()[0] == 0
    assert leader.leads


def test_a_replica_that_takes_over_a_cluster_at_rest_writes_nothing(
    operators: Operators, services: Services, audit: Audit, rest: Rest
) -> None:
    first = operators.start_leading()
    place_all(services)
    services.apply(a_service("huge", workload=a_workload(resources={"cpu": 1000})))
    await_rest(services)
    services.await_condition("huge", "Placed", "False")
    eventually(lambda: _quiet(audit), "nothing is left to write")
    assert first.end()[0] == 0
    from_here = audit.from_now()
    second = operators.start_leading()
    try:
        time.sleep(5)
        assert [str(entry) for entry in from_here.writes()] == []
        lease = rest.get("leases", "aif-operator", NAMESPACE)
        assert lease is not None
        assert lease["spec"]["holderIdentity"].startswith(second.identity)
    finally:
        second.end()


def _quiet(audit: Audit) -> bool:
    before = audit.from_now()
    time.sleep(RESERVED_SECONDS + 1)  # a ComputeNode tells what is held of it that much later
    return not before.writes()
