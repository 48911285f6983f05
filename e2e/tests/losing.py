"""What tests of lost, drained and shrunken nodes share."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pool import Pool
from rest import eventually
from services import Services, condition

MANY: Final = [f"plates-{number}" for number in range(1, 6)]

MakePool = Callable[..., Pool]


@contextmanager
def never_overbooked(pool: Pool) -> Iterator[None]:
    """Fail where a node is overbooked at any look, five times a second."""
    over, seen, looks = threading.Event(), set[str](), list[int]()

    def look() -> None:
        while not looks or not over.wait(0.2):
            seen.update(map(str, pool.overbooked()))
            looks.append(1)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield
    finally:
        over.set()
        looker.join()
    assert looks, "nobody looked"
    assert seen == set()


def place(services: Services, pool: Pool, *names: str) -> dict[str, str]:
    """Place services that take an accelerator each; return the node of each."""
    for name in names:
        services.apply(pool.service(name))
    services.await_ready(*names)
    return {name: services.node_of(name) for name in names}


def await_moved(services: Services, before: dict[str, str], *nodes_left: str) -> dict[str, str]:
    """Wait until no service runs on `nodes_left`, each is ready and has one copy; return the node of each."""

    def moved() -> dict[str, str]:
        now = {name: services.node_of(name) for name in before}
        left = {name: node for name, node in now.items() if node in nodes_left}
        assert left == {}, f"still there: {left}"
        return now

    after = eventually(moved, f"{', '.join(nodes_left)} is left")
    services.await_ready(*before)
    await_one_copy(services, *before)
    return after


def await_one_copy(services: Services, *names: str) -> None:
    """Wait until each service has a single copy."""
    eventually(lambda: [len(services.copies(name)) for name in names] == [1] * len(names), "one copy each")


def copies(services: Services, *names: str) -> dict[str, list[str]]:
    """Return the uids of the Deployments of each service."""
    return {name: [copy["metadata"]["uid"] for copy in services.copies(name)] for name in names}


def placed(services: Services, *names: str) -> set[str]:
    """Return which of the services have a place."""
    return {name for name in names if condition(services.get(name), "Placed")["status"] == "True"}


def other_than(pool: Pool, node: str) -> str:
    """Return a node of the pool other than `node`."""
    return next(name for name in pool.nodes if name != node)
