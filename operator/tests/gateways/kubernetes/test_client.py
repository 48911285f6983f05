"""Requests, lists in pages, and lost answers."""

from __future__ import annotations

import pytest

from aif.domain.cluster import ObjectReference
from aif.errors import ApiError, NotFound, Unavailable
from aif.gateways.kubernetes.resources import PODS, RESOURCES, path_of
from tests.fake_api import FakeApi
from tests.gateways.kubernetes.conftest import OWNER, Gateways


def some_pods(fake: FakeApi, number: int) -> None:
    """Put ``number`` pods into the namespace shop."""
    for index in range(number):
        fake.put(f"/api/v1/namespaces/shop/pods/p{index}", {"metadata": {"labels": {"even": str(index % 2 == 0)}}})


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        (OWNER, "/apis/net4ai.io/v1alpha1/namespaces/shop/aiservices/plates"),
        (ObjectReference("v1", "Pod", "shop", "p0"), "/api/v1/namespaces/shop/pods/p0"),
        (ObjectReference("v1", "Node", "", "worker-1"), "/api/v1/nodes/worker-1"),
    ],
)
def test_an_object_has_one_path(reference: ObjectReference, path: str) -> None:
    assert path_of(reference) == path
    assert path_of(reference, "status") == f"{path}/status"


def test_no_secret_is_among_the_kinds() -> None:
    assert not {kind for _, kind in RESOURCES} & {"Secret", "ServiceAccount", "Role", "ClusterRole"}


async def test_a_list_comes_in_pages_that_together_hold_all(gateways: Gateways) -> None:
    some_pods(gateways.fake, 7)
    pages = [page["items"] async for page in gateways.api.pages(PODS, limit=3)]
    assert [len(items) for items in pages] == [3, 3, 1]
    assert len({item["metadata"]["name"] for items in pages for item in items}) == 7


async def test_a_list_may_be_narrowed_by_label(gateways: Gateways) -> None:
    some_pods(gateways.fake, 5)
    pages = [page["items"] async for page in gateways.api.pages(PODS, "shop", "even=True")]
    assert [len(items) for items in pages] == [3]


async def test_a_list_that_takes_too_long_says_that_it_must_begin_anew(gateways: Gateways) -> None:
    some_pods(gateways.fake, 4)
    pages = gateways.api.pages(PODS, limit=2)
    await anext(pages)
    gateways.fake.remove("/api/v1/namespaces/shop/pods/p0")
    gateways.fake.store.compact()
    with pytest.raises(ApiError) as caught:
        await anext(pages)
    assert caught.value.status == 410


async def test_an_object_that_is_not_there_is_not_found(gateways: Gateways) -> None:
    with pytest.raises(NotFound):
        await gateways.api.get(OWNER)


async def test_a_dropped_connection_is_told_as_unavailable(gateways: Gateways) -> None:
    gateways.fake.fail(times=10)
    with pytest.raises(Unavailable) as caught:
        await gateways.api.get(OWNER)
    assert caught.value.status is None
    assert gateways.count("aif_apiserver_requests_total", method="GET", code="0") == 1


async def test_an_answer_that_takes_too_long_is_told_as_unavailable(gateways: Gateways) -> None:
    gateways.fake.fail(seconds=30, fails=False)
    with pytest.raises(Unavailable):
        await gateways.api.request("GET", "/api/v1/nodes", seconds=0.05)


async def test_an_answer_that_is_no_json_is_told_as_unavailable(gateways: Gateways) -> None:
    gateways.fake.fail(status=200, body=b"<html>")
    with pytest.raises(Unavailable):
        await gateways.api.get(OWNER)


async def test_a_redirection_is_not_followed(gateways: Gateways) -> None:
    gateways.fake.fail(status=302, headers={"Location": "/api/v1/nodes"})
    with pytest.raises(ApiError):
        await gateways.api.get(OWNER)
    assert len(gateways.fake.requests) == 1


async def test_requests_are_counted_by_method_and_code(gateways: Gateways) -> None:
    await gateways.api.request("GET", "/api/v1/nodes")
    assert gateways.count("aif_apiserver_requests_total", method="GET", code="200") == 1
