"""What others do to the operator's children is mended; what others own is never touched."""

from __future__ import annotations

from typing import Any

import pytest
from network import a_service
from rest import Json, Rest, eventually
from services import Services

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def copy(services: Services) -> Json:
    """The Deployment of a placed service."""
    services.apply(a_service("plates", on="edge-1"))
    services.await_ready("plates")
    (deployment,) = services.copies("plates")
    return deployment


def at(document: Any, path: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what stands at `path`; None where nothing does."""
    for key in path.split("."):
        if isinstance(document, list):
            document = document[int(key)] if int(key) < len(document) else None
        elif document is not None:
            document = document.get(key)
    return document


LABELS = "metadata.labels"
OWNER = "metadata.ownerReferences.0.name"
NODE_SELECTOR = "spec.template.spec.nodeSelector"
IMAGE = "spec.template.spec.containers.0.image"
EVIL = {"name": "service", "image": "evil:1"}


@pytest.mark.parametrize(
    ("patch", "path"),
    [
        pytest.param({"spec": {"replicas": 5}}, "spec.replicas", id="replicas"),
        pytest.param({"spec": {"template": {"spec": {"nodeSelector": None}}}}, NODE_SELECTOR, id="selector"),
        pytest.param({"metadata": {"ownerReferences": None}}, OWNER, id="owner"),
        pytest.param({"metadata": {"labels": {"net4ai.io/service": None}}}, LABELS, id="label of the service"),
        pytest.param(
            {"metadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}}, LABELS, id="label of the operator"
        ),
        pytest.param({"spec": {"template": {"spec": {"containers": [EVIL]}}}}, IMAGE, id="image"),
    ],
)
def test_a_changed_deployment_is_restored(services: Services, rest: Rest, copy: Json, patch: Json, path: str) -> None:
    name, wanted = copy["metadata"]["name"], at(copy, path)
    rest.patch("deployments", name, patch, services.namespace)

    def restored() -> bool:
        live = rest.get("deployments", name, services.namespace)
        assert live is not None
        assert at(live, path) == wanted
        return bool(live["metadata"]["uid"] == copy["metadata"]["uid"])

    eventually(restored, f"{path} of the Deployment is as before")
    services.await_ready("plates")


def test_a_deleted_deployment_is_made_again(services: Services, rest: Rest, copy: Json) -> None:
    rest.delete("deployments", copy["metadata"]["name"], services.namespace)
    eventually(
        lambda: [c["metadata"]["uid"] for c in services.copies("plates")] not in ([], [copy["metadata"]["uid"]]),
        "there is a new Deployment",
    )
    services.await_ready("plates")


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize(
    ("patch", "path"),
    [
        pytest.param({"spec": {"selector": {"app": "else"}}}, "spec.selector", id="selector"),
        pytest.param({"metadata": {"ownerReferences": None}}, OWNER, id="owner"),
        pytest.param({"metadata": {"labels": None}}, LABELS, id="labels"),
    ],
)
def test_a_changed_service_is_restored(services: Services, rest: Rest, patch: Json, path: str) -> None:
    (before,) = services.children("services", "plates")
    rest.patch("services", "plates", patch, services.namespace)

    def restored() -> bool:
        live = rest.get("services", "plates", services.namespace)
        assert live is not None
        return bool(at(live, path) == at(before, path))

    eventually(restored, f"{path} of the Service is as before")


@pytest.mark.usefixtures("copy")
def test_a_deleted_service_is_made_again(services: Services, rest: Rest) -> None:
    rest.delete("services", "plates", services.namespace)
    eventually(lambda: services.children("services", "plates"), "there is a new Service")
    eventually(lambda: services.ready_endpoints("plates") == 1, "it leads to the pod")


FOREIGN_SERVICES = [
    pytest.param({"selector": {"app": "mine"}, "ports": [{"port": 80, "targetPort": 9000}]}, id="of the same port"),
    pytest.param({"selector": {"app": "mine"}, "ports": [{"port": 5432}]}, id="of another port"),
    pytest.param({"ports": [{"port": 5432}]}, id="without a selector"),
    pytest.param({"type": "ExternalName", "externalName": "db.example.org"}, id="of an external name"),
]


@pytest.mark.parametrize("spec", FOREIGN_SERVICES)
def test_a_users_own_service_of_that_name_is_never_touched(services: Services, rest: Rest, spec: Json) -> None:
    mine = rest.create("services", {"metadata": {"name": "plates"}, "spec": spec}, services.namespace)
    services.apply(a_service("plates", on="edge-1"))
    told = services.await_condition("plates", "Accepted", "False", "NameConflict")
    assert "Service" in told["message"]
    live = rest.get("services", "plates", services.namespace)
    assert live is not None
    assert (live["spec"], live["metadata"].get("labels", {})) == (mine["spec"], {})
    assert live["metadata"]["resourceVersion"] == mine["metadata"]["resourceVersion"]
    rest.delete("services", "plates", services.namespace)
    services.await_ready("plates", within_s=60)


def test_a_users_own_deployment_of_a_copys_name_is_never_touched(services: Services, rest: Rest) -> None:
    services.apply(a_service("plates", on="edge-1"))
    services.await_ready("plates")
    name = services.copies("plates")[0]["metadata"]["name"]
    services.patch("plates", {"suspend": True})
    eventually(lambda: not services.copies("plates"), "the copy is gone")
    mine = rest.create("deployments", _a_users_deployment(name), services.namespace)
    services.patch("plates", {"suspend": False})
    services.await_condition("plates", "Accepted", "False", "NameConflict")
    live = rest.get("deployments", name, services.namespace)
    assert live is not None
    assert live["spec"] == mine["spec"]


def _a_users_deployment(name: str) -> Json:
    pod = {"metadata": {"labels": {"app": "mine"}}, "spec": {"containers": [{"name": "mine", "image": "mine:1"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "mine"}}, "template": pod}
    return {"metadata": {"name": name}, "spec": spec}


def test_a_new_service_of_an_old_name_has_children_of_its_own(services: Services) -> None:
    services.apply(a_service("plates", on="edge-1"))
    services.await_ready("plates")
    before = services.get("plates")["metadata"]["uid"]
    services.delete("plates")
    services.apply(a_service("plates", on="edge-1"))
    after = services.get("plates")["metadata"]["uid"]
    assert after != before

    def owners() -> set[str]:
        listed = services.copies("plates") + services.children("services", "plates")
        return {child["metadata"]["ownerReferences"][0]["uid"] for child in listed}

    eventually(lambda: owners() == {after}, "all children belong to the new service")
    services.await_ready("plates")
    assert len(services.copies("plates")) == 1
