"""What the operator's account did in the whole test run, by the API server's audit log; by its name this runs last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest
import yaml
from audit import Audits, Entry
from operator_account import BASE, NAMESPACE

REGISTERED_BY: Final = "net4ai.io/registered-by"
FEWEST: Final = 20

UNUSED: Final[Mapping[str, str]] = {
    "httproutes.gateway.networking.k8s.io": "the test cluster has no Gateway API",
    "aiservices/finalizers.net4ai.io": "asked for by an admission plug-in that is off by default",
    "trainingjobs/finalizers.net4ai.io": "asked for by an admission plug-in that is off by default",
}
"""Rights that no test can use, by kind, each with its reason."""


@pytest.fixture(scope="module")
def run(audits: Audits) -> Audits:
    """The logs of all clusters, each since its first replica started."""
    if not audits.logs:
        pytest.skip("no cluster of this run keeps an audit log; the embedded one does")
    if len(audits.writes()) < FEWEST:
        pytest.skip("the operator did next to nothing in this run; run all end-to-end tests")
    return audits


@pytest.fixture(scope="module")
def writes(run: Audits) -> list[Entry]:
    """All writes of the operator that were carried out."""
    return [entry for entry in run.writes() if entry.succeeded]


def labels(entry: Entry) -> dict[str, str]:
    return dict((entry.body or {}).get("metadata", {}).get("labels") or {})


def test_no_spec_that_a_user_wrote_was_ever_written(writes: list[Entry]) -> None:
    kinds = ("aiservices", "trainingjobs")
    specs = [entry for entry in writes if entry.resource in kinds and entry.subresource != "status"]
    assert [str(entry) for entry in specs if entry.verb != "delete"] == []


def test_no_secret_was_ever_read_or_changed(run: Audits) -> None:
    assert {entry.verb for entry in run.entries() if entry.resource == "secrets"} <= {"create"}


def test_only_compute_nodes_that_the_operator_registered_were_written(run: Audits) -> None:
    registered = set[str]()
    for log in run.logs:
        succeeded = [entry for entry in log.writes() if entry.succeeded]
        specs = [entry for entry in succeeded if entry.resource == "computenodes" and entry.subresource != "status"]
        made = {entry.name for entry in specs if entry.status == 201}
        registered |= made
        assert [str(entry) for entry in specs if entry.name not in made] == []
        assert [str(entry) for entry in specs if entry.verb == "patch" and not labels(entry).get(REGISTERED_BY)] == []
    assert registered, "no ComputeNode was registered in this run"


def test_a_status_is_all_that_a_status_write_carries(writes: list[Entry]) -> None:
    for entry in writes:
        if entry.subresource == "status":
            paths = {step["path"] for step in entry.body} if isinstance(entry.body, list) else set(entry.body)
            assert paths <= {"/metadata/uid", "/status"}, f"{entry}: {paths}"


def test_children_lie_in_the_namespace_of_the_service_that_owns_them(writes: list[Entry]) -> None:
    kinds = ("deployments", "services", "jobs", "configmaps", "networkpolicies")
    children = [entry for entry in writes if entry.resource in kinds and entry.verb == "patch"]
    assert children
    for entry in children:
        (owner,) = entry.body["metadata"]["ownerReferences"]
        assert (owner["kind"] in ("AIService", "TrainingJob"), owner["controller"]) == (True, True), str(entry)
        assert entry.body["metadata"]["namespace"] == entry.namespace.removeprefix("/"), str(entry)


def test_nothing_was_written_outside_the_namespaces_of_services(run: Audits) -> None:
    for log in run.logs:
        served = {entry.namespace for entry in log.entries() if entry.resource in ("aiservices", "trainingjobs")}
        succeeded = [entry for entry in log.writes() if entry.succeeded]
        outside = [entry for entry in succeeded if entry.namespace and entry.namespace not in served]
        # Events on Nodes, which have no namespace, lie in `default`.
        assert [str(entry) for entry in outside if (entry.resource, entry.namespace) != ("events", "default")] == []


def test_the_lease_is_all_that_was_written_in_the_operators_own_namespace(run: Audits) -> None:
    own = {entry.resource for entry in run.entries() if entry.is_write and entry.namespace == NAMESPACE}
    assert own == {"leases"}


def test_the_rights_suffice(run: Audits) -> None:
    for log in run.logs:
        entries = list(log.entries())
        # An API server that has just started refuses all for a moment: it has not read the roles yet.
        permitted = {right for entry in entries if entry.permitted for right in entry.rights}
        assert [str(entry) for entry in entries if not entry.permitted and not entry.rights <= permitted] == []


def test_no_request_was_malformed(run: Audits) -> None:
    assert [str(entry) for entry in run.entries() if entry.status in (400, 405, 415)] == []


def test_no_right_is_granted_that_is_not_used(run: Audits, capsys: pytest.CaptureFixture[str]) -> None:
    used = {right for entry in run.entries() if entry.permitted for right in entry.rights}
    spare = sorted(granted() - used)
    with capsys.disabled():
        print(f"\nrights that were granted and not used in this run, by the audit logs of {len(run.logs)} clusters:")
        for kind, verb in spare:
            print(f"  {verb} {kind}: {UNUSED.get(kind, 'NO REASON')}")
    assert [right for right in spare if right[0] not in UNUSED] == []


def granted() -> set[tuple[str, str]]:
    """Return kind and verb of each right in the manifests."""
    documents: list[dict[str, Any]] = list(yaml.safe_load_all((BASE / "rbac.yaml").read_text()))
    rules = [rule for document in documents for rule in document.get("rules", [])]
    return {
        (f"{resource}.{group}" if group else resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
