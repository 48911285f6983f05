"""Which changes to a child count, and what all copies share."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.reconcile.children import covers, front, route, url
from tests.builders import an_aiservice

SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | st.text("abc/.-", max_size=6)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("observed", "intent", "holds"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1}, True, id="a field beside ours does not count"),
        pytest.param({"b": 2}, {"a": 1}, False, id="a field that is gone counts"),
        pytest.param({"a": 2}, {"a": 1}, False, id="another value counts"),
        pytest.param({}, {"a": {}}, True, id="the API server drops an empty map"),
        pytest.param({}, {"a": []}, True, id="the API server drops an empty list"),
        pytest.param({}, {"a": ""}, True, id="the API server drops an empty text"),
        pytest.param({}, {"a": False}, True, id="the API server drops false"),
        pytest.param({"a": True}, {"a": False}, False, id="true is not false"),
        pytest.param({"requests": {"cpu": "2"}}, {"requests": {"cpu": 2}}, True, id="a quantity as text or number"),
        pytest.param({"limits": {"cpu": "2000m"}}, {"limits": {"cpu": "2"}}, True, id="a quantity in another unit"),
        pytest.param({"requests": {"memory": "4096Mi"}}, {"requests": {"memory": "4Gi"}}, True, id="binary units"),
        pytest.param(
            {"requests": {"cpu": "2001m"}}, {"requests": {"cpu": "2"}}, False, id="a quantity that differs by a little"
        ),
        pytest.param(
            {"emptyDir": {"sizeLimit": "1024Mi"}}, {"emptyDir": {"sizeLimit": "1Gi"}}, True, id="the size of a volume"
        ),
        pytest.param({"args": ["1000m"]}, {"args": ["1"]}, False, id="an argument that reads like a quantity"),
        pytest.param(
            {"env": [{"name": "RATE", "value": "1000m"}]},
            {"env": [{"name": "RATE", "value": "1"}]},
            False,
            id="a variable that reads like a quantity",
        ),
        pytest.param({"image": "a:1"}, {"image": "a:2"}, False, id="texts that are no quantities"),
        pytest.param({"args": ["a", "b"]}, {"args": ["a"]}, False, id="an argument more"),
        pytest.param({"args": ["b", "a"]}, {"args": ["a", "b"]}, False, id="arguments in another order"),
        pytest.param({"replicas": 0}, {"replicas": 1}, False, id="nothing is not one"),
        pytest.param({"replicas": 1}, {"replicas": 0}, False, id="one is not nothing"),
        pytest.param(
            {"selector": {"a": "1", "b": "2"}}, {"selector": {"a": "1"}}, False, id="a selector that asks more"
        ),
        pytest.param({"nodeSelector": {"a": "1"}}, {"nodeSelector": {"a": "1"}}, True, id="a selector as it was"),
        pytest.param("text", {"a": 1}, False, id="a text where a map belongs"),
        pytest.param("text", ["t"], False, id="a text where a list belongs"),
    ],
)
def test_a_child_covers_an_intent_that_it_still_holds(observed: object, intent: object, *, holds: bool) -> None:
    assert covers(observed, intent) is holds


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param({"name": "proxy", "image": "proxy:1"}, id="after ours"),
        pytest.param({"name": "a-proxy", "image": "proxy:1"}, id="by whatever name"),
    ],
)
def test_a_container_that_somebody_added_is_theirs(beside: dict[str, Any]) -> None:
    ours = {"name": "service", "image": "plates:1"}
    assert covers({"containers": [beside, {**ours, "imagePullPolicy": "Always"}]}, {"containers": [ours]})


def test_a_container_of_ours_that_was_changed_counts_beside_a_foreign_one() -> None:
    seen = [{"name": "service", "image": "plates:2"}, {"name": "proxy", "image": "plates:1"}]
    assert not covers({"containers": seen}, {"containers": [{"name": "service", "image": "plates:1"}]})


def test_an_owner_that_somebody_added_is_theirs() -> None:
    ours, theirs = {"uid": "1", "name": "a"}, {"uid": "2", "name": "b"}
    assert covers({"ownerReferences": [theirs, ours]}, {"ownerReferences": [ours]})
    assert not covers({"ownerReferences": [theirs]}, {"ownerReferences": [ours]})


@given(JSON)
def test_whatever_it_holds_a_child_covers_itself(value: object) -> None:
    assert covers(value, value)


@given(st.dictionaries(st.text("xyz", min_size=1), JSON), st.dictionaries(st.text("uvw", min_size=1), JSON))
def test_what_others_add_beside_never_counts(intent: dict[str, Any], beside: dict[str, Any]) -> None:
    assert covers({**beside, **intent}, intent)


def test_the_service_in_front_selects_every_copy_and_belongs_to_the_aiservice() -> None:
    body = front(an_aiservice("plates", namespace="shop"))
    assert body["spec"]["selector"] == {"net4ai.io/service": "plates"}
    assert body["metadata"]["namespace"] == "shop"
    assert body["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "net4ai.io/v1alpha1",
            "kind": "AIService",
            "name": "plates",
            "uid": "uid-shop-plates",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def test_a_route_leads_from_the_gateways_host_to_the_service() -> None:
    service = an_aiservice("plates", expose={"gateway": {"name": "edge", "host": "plates.example.org"}})
    gateway = service.spec.expose.gateway
    assert gateway is not None
    assert route(service, gateway)["spec"] == {
        "parentRefs": [{"name": "edge"}],
        "hostnames": ["plates.example.org"],
        "rules": [{"backendRefs": [{"name": "plates", "port": 80}]}],
    }
    assert url(service) == "http://plates.example.org"


def test_without_a_gateway_a_service_answers_under_its_name_in_the_cluster() -> None:
    assert url(an_aiservice("plates", namespace="shop")) == "http://plates.shop.svc"
