"""A reflector's cache comes to equal the API server's objects, whatever happens to its watch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aif.gateways.cache import Cache, Key
from aif.gateways.kubernetes import reflector as module
from aif.gateways.kubernetes.audit import evict_vanished
from aif.gateways.kubernetes.reflector import Reflector
from aif.gateways.kubernetes.resources import HTTP_ROUTES, PODS
from tests.gateways.kubernetes.conftest import Gateways, until

SHOP = "/api/v1/namespaces/shop/pods"


def parse(raw: dict[str, Any]) -> str:
    """Return the phase, and fail on a pod without one."""
    return str(raw["spec"]["phase"])


def a_pod(phase: str) -> dict[str, Any]:
    """Return a pod that `parse` can read."""
    return {"spec": {"phase": phase}}


class Mirror:
    """A reflector of pods that runs, its cache, and what the cache told."""

    def __init__(self, gateways: Gateways, **options: Any) -> None:
        self.cache: Cache[str] = Cache()
        self.told: list[tuple[Key, str | None]] = []
        self.cache.listen(lambda key, _, after: self.told.append((key, after)))
        self.reflector = Reflector(gateways.api, PODS, parse, self.cache, metrics=gateways.metrics, **options)
        self.gateways = gateways

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run it until the end of the block."""
        task = asyncio.create_task(self.reflector.run())
        try:
            await self.reflector.synced.wait()
            await self.is_watching()
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def is_watching(self) -> None:
        """Wait until the watch is open."""
        await until(lambda: self.gateways.fake.watches > 0)

    async def shows(self, **pods: str) -> None:
        """Wait until the cache holds exactly ``pods``, name to phase, in the namespace shop."""
        wanted = {("shop", name): phase for name, phase in pods.items()}
        await until(lambda: {key: self.cache.get(key) for key in self.cache.keys()} == wanted)  # noqa: SIM118


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off for hundredths of a second, so that no test waits."""
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(module, "LAST_SECONDS", 0.05)
    monkeypatch.setattr(module, "ABSENT_SECONDS", 0.05)


@pytest.fixture
def mirror(gateways: Gateways) -> Mirror:
    """A reflector of the pods of all namespaces; pod a is there already."""
    gateways.fake.put(f"{SHOP}/a", a_pod("Running"))
    return Mirror(gateways)


async def test_what_was_there_and_what_comes_is_mirrored(mirror: Mirror, gateways: Gateways) -> None:
    async with mirror.running():
        await mirror.shows(a="Running")
        gateways.fake.put(f"{SHOP}/b", a_pod("Pending"))
        gateways.fake.put(f"{SHOP}/a", a_pod("Failed"))
        await mirror.shows(a="Failed", b="Pending")
        gateways.fake.remove(f"{SHOP}/a")
        await mirror.shows(b="Pending")
    assert gateways.count("aif_relists_total", resource="pods") == 1


async def test_a_cut_watch_goes_on_where_it_was_without_a_new_list(mirror: Mirror, gateways: Gateways) -> None:
    async with mirror.running():
        for round_ in range(3):
            gateways.fake.cut_watches()
            gateways.fake.put(f"{SHOP}/a", a_pod(f"round {round_}"))
            await mirror.shows(a=f"round {round_}")
        gateways.fake.cut_watches()
        gateways.fake.remove(f"{SHOP}/a")
        await mirror.shows()
    assert gateways.count("aif_relists_total", resource="pods") == 1


async def test_what_vanished_behind_a_410_is_told(mirror: Mirror, gateways: Gateways) -> None:
    async with mirror.running():
        gateways.fake.cut_watches()
        gateways.fake.remove(f"{SHOP}/a")
        gateways.fake.put(f"{SHOP}/b", a_pod("Running"))
        gateways.fake.store.compact()
        await mirror.shows(b="Running")
    assert (("shop", "a"), None) in mirror.told
    assert gateways.count("aif_relists_total", resource="pods") == 2


async def test_an_error_event_leads_to_a_new_list(mirror: Mirror, gateways: Gateways) -> None:
    async with mirror.running():
        gateways.fake.garbage = b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"broken"}}\n'
        gateways.fake.put(f"{SHOP}/b", a_pod("Running"))
        await until(lambda: gateways.count("aif_relists_total", resource="pods") > 1)
        gateways.fake.garbage = b""
        await mirror.shows(a="Running", b="Running")


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b'{"type":"MODIFIED","object":{"metadata":{"na', id="half a line"),
        pytest.param(b'{"type":"MODIFIED","obj\n', id="half JSON"),
        pytest.param(b"<html>Bad gateway</html>\n", id="a proxy's page"),
        pytest.param(b'{"type":"MODIFIED","object":{}}\n', id="an object without a name"),
        pytest.param(b"[1]\n", id="other JSON"),
    ],
)
async def test_a_broken_stream_loses_no_event(mirror: Mirror, gateways: Gateways, garbage: bytes) -> None:
    async with mirror.running():
        gateways.fake.garbage = garbage
        gateways.fake.put(f"{SHOP}/b", a_pod("Running"))
        await until(lambda: len(gateways.fake.sent("GET", "/pods")) > 3)
        gateways.fake.garbage = b""
        gateways.fake.remove(f"{SHOP}/a")
        await mirror.shows(b="Running")


async def test_a_silent_stream_is_given_up(mirror: Mirror, gateways: Gateways, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.05)
    gateways.fake.silent = True
    async with mirror.running():
        gateways.fake.put(f"{SHOP}/b", a_pod("Running"))
        await until(lambda: len(gateways.fake.sent("GET", "/pods")) > 3)
        gateways.fake.silent = False
        await mirror.shows(a="Running", b="Running")
    assert gateways.count("aif_relists_total", resource="pods") == 1


async def test_bookmarks_move_the_place_to_go_on_from(mirror: Mirror, gateways: Gateways) -> None:
    gateways.fake.bookmark_seconds = 0.01
    async with mirror.running():
        gateways.fake.put("/api/v1/nodes/elsewhere", {"spec": {}})
        bookmarked = gateways.fake.store.version
        await asyncio.sleep(0.05)
        gateways.fake.store.compact()
        gateways.fake.cut_watches()
        await until(
            lambda: any(int(sent.params.get("resourceVersion", "0")) >= bookmarked for sent in gateways.fake.requests)
        )
        gateways.fake.put(f"{SHOP}/a", a_pod("Failed"))
        await mirror.shows(a="Failed")
    assert gateways.count("aif_relists_total", resource="pods") == 1


@pytest.mark.parametrize("status", [0, 401, 403, 429, 500, 503])
async def test_a_list_that_fails_is_tried_until_it_succeeds(gateways: Gateways, status: int) -> None:
    gateways.fake.put(f"{SHOP}/a", a_pod("Running"))
    fault = gateways.fake.fail(path="/pods", times=4, status=status)
    mirror = Mirror(gateways)
    async with mirror.running():
        await mirror.shows(a="Running")
    assert fault.fired == 4


async def test_an_object_that_cannot_be_read_stops_no_other(
    mirror: Mirror, gateways: Gateways, caplog: pytest.LogCaptureFixture
) -> None:
    gateways.fake.put(f"{SHOP}/bad", {"spec": {}})
    async with mirror.running():
        await mirror.shows(a="Running")
        gateways.fake.put(f"{SHOP}/worse", {"spec": None})
        gateways.fake.put(f"{SHOP}/b", a_pod("Running"))
        await mirror.shows(a="Running", b="Running")
    assert gateways.count("aif_unreadable_objects_total", resource="pods") == 2
    assert "Left out an unreadable object" in caplog.text


async def test_only_one_namespace_is_mirrored_where_one_is_asked_for(gateways: Gateways) -> None:
    gateways.fake.put(f"{SHOP}/a", a_pod("Running"))
    gateways.fake.put("/api/v1/namespaces/other/pods/a", a_pod("Running"))
    mirror = Mirror(gateways, namespace="shop")
    async with mirror.running():
        gateways.fake.put("/api/v1/namespaces/other/pods/b", a_pod("Running"))
        gateways.fake.put(f"{SHOP}/b", a_pod("Running"))
        await mirror.shows(a="Running", b="Running")


async def test_an_optional_kind_that_is_not_installed_counts_as_empty(gateways: Gateways) -> None:
    gateways.fake.absent.add("httproutes")
    cache: Cache[str] = Cache()
    optional = Reflector(gateways.api, HTTP_ROUTES, parse, cache, metrics=gateways.metrics, optional=True)
    task = asyncio.create_task(optional.run())
    await optional.synced.wait()
    assert len(cache) == 0
    gateways.fake.absent.clear()
    gateways.fake.put("/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/a", a_pod("Running"))
    await until(lambda: len(cache) == 1)
    task.cancel()


async def test_a_kind_that_must_be_there_is_waited_for(gateways: Gateways) -> None:
    gateways.fake.absent.add("pods")
    mirror = Mirror(gateways)
    task = asyncio.create_task(mirror.reflector.run())
    await until(lambda: len(gateways.fake.sent("GET", "/pods")) > 2)
    assert not mirror.reflector.synced.is_set()
    gateways.fake.absent.clear()
    await mirror.reflector.synced.wait()
    task.cancel()


async def test_an_audit_finds_what_nobody_told_to_be_gone(mirror: Mirror, gateways: Gateways) -> None:
    async with mirror.running():
        mirror.cache.put(("shop", "ghost"), "Running")
        assert await evict_vanished(gateways.api, PODS, mirror.cache) == [("shop", "ghost")]
        await mirror.shows(a="Running")
