"""The previous release with fifty services is replaced by the present one: no pod restarts, no status flaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import operator_account
import pytest
from audit import Audit, Audits, Entry
from campaigns.drawing import AMPLE, places, services
from campaigns.field import Field
from campaigns.outcome import End, await_rest
from kubectl import Kubectl
from operator_process import Operators, Replica
from releases import Release, previous
from rest import Json, Rest, eventually

from cluster import api
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.record import Provider

NAME: Final = "e2e-upgrade"
COUNT: Final = 50
NODES: Final = 12
SEED: Final = 7
_REST_S: Final = 300.0
_JUDGED_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class World:
    """What an upgrade must leave as it is."""

    pods: dict[str, int]
    """Restarts by uid."""
    deployments: dict[str, tuple[str, int]]
    """Uid and generation by key."""
    conditions: dict[str, dict[str, tuple[str, str]]]
    """Status and time of its last change, by condition and service."""
    placements: dict[str, Any]

    @classmethod
    def of(cls, rest: Rest) -> World:
        """Return what there is now."""
        served = {_key(each): each["status"] for each in rest.list("aiservices")}
        return cls(
            pods={_uid(pod): _restarts(pod) for pod in rest.list("pods")},
            deployments={_key(each): (_uid(each), each["metadata"]["generation"]) for each in rest.list("deployments")},
            conditions={
                name: {c["type"]: (c["status"], c["lastTransitionTime"]) for c in status["conditions"]}
                for name, status in served.items()
            },
            placements={name: [place["node"] for place in status["placements"]] for name, status in served.items()},
        )


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What was there before and after, and what the present release wrote in between."""

    release: Release
    before: World
    after: World
    end: End
    writes: tuple[Entry, ...]
    old_code: int
    log: str


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of its own, in which no kind is installed yet."""
    api.down(NAME)
    yield api.up(NAME, wish=Asked(provider=Provider.EMBEDDED))
    api.down(NAME)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release before the present one."""
    return previous(tmp_path_factory.mktemp("previous"))


@pytest.fixture(scope="module")
def upgrade(
    cluster: Cluster, release: Release, audits: Audits, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgrade]:
    """Fifty services under the previous release, then the kinds, rights and the process of the present one."""
    kubectl, rest = Kubectl(cluster), Rest.to(cluster)
    operators = Operators(kubectl, tmp_path_factory.mktemp("operator"))
    try:
        old = _start_previous(kubectl, operators, release)
        here = Field(cluster, rest, operators, places(NODES, SEED, AMPLE))
        here.build()
        for service in services(COUNT, SEED):
            here.apply(service)
        assert await_rest(rest, _REST_S).waiting == {}
        before = World.of(rest)
        operator_account.install_kinds(kubectl)
        operator_account.install(kubectl)
        audit = Audit(_log_of(cluster)).from_now()
        new = operators.start()
        code, end = _take_over(old, new, rest)
        audits.add(audit.by(new.credential))
        writes = tuple(entry for entry in audit.writes() if entry.credential == new.credential)
        yield Upgrade(release, before, World.of(rest), end, writes, code, new.log.read_text())
    finally:
        operators.end_all()


def _start_previous(kubectl: Kubectl, operators: Operators, release: Release) -> Replica:
    """Install the previous release and start it from its own tree."""
    operator_account.install_kinds(kubectl, release.tree)
    operator_account.install(kubectl, release.tree)
    return operators.start_leading(PYTHONPATH=str(release.tree / "operator"))


def _take_over(old: Replica, new: Replica, rest: Rest) -> tuple[int, End]:
    """Have the new replica stand by and then lead, as in a rolling update; return once it has judged everything."""
    eventually(lambda: new.stands_by, "the new release stands by", _JUDGED_S)
    code, _ = old.end()
    eventually(lambda: new.leads, "the new release leads", _JUDGED_S)
    eventually(lambda: (new.metric("aif_reconcile_duration_seconds_count") or 0) >= COUNT, "it judged", _JUDGED_S)
    eventually(lambda: new.metric("aif_workqueue_depth") == 0, "it judged all", _JUDGED_S)
    return code, await_rest(rest, _REST_S)


def test_the_releases_that_were_compared_are_told(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nupgraded from {release.title}")
    assert (release.tree / "operator" / "aif" / "__main__.py").is_file()


def test_fifty_services_run_before_and_after(upgrade: Upgrade) -> None:
    for world in (upgrade.before, upgrade.after):
        assert len(world.conditions) == COUNT
        assert {name for name, told in world.conditions.items() if told["Ready"][0] != "True"} == set()
    assert upgrade.old_code == 0


def test_no_pod_was_made_deleted_or_restarted(upgrade: Upgrade) -> None:
    assert upgrade.after.pods == upgrade.before.pods
    assert upgrade.after.pods


def test_no_deployment_was_changed(upgrade: Upgrade) -> None:
    assert upgrade.after.deployments == upgrade.before.deployments


def test_every_service_stayed_where_it_was(upgrade: Upgrade) -> None:
    assert upgrade.after.placements == upgrade.before.placements


def test_no_condition_changed_its_status(upgrade: Upgrade) -> None:
    for name, before in upgrade.before.conditions.items():
        assert {kind: upgrade.after.conditions[name].get(kind) for kind in before} == before, name


def test_no_status_that_was_written_meanwhile_says_anything_else(upgrade: Upgrade) -> None:
    statuses = [entry for entry in upgrade.writes if (entry.resource, entry.subresource) == ("aiservices", "status")]
    for entry in statuses:
        (status,) = (step["value"] for step in entry.body if step["path"] == "/status")
        before = upgrade.before.conditions[f"{entry.namespace}/{entry.name}"]
        told = {c["type"]: c["status"] for c in status["conditions"]}
        assert {kind: told.get(kind) for kind in before} == {kind: known for kind, (known, _) in before.items()}, entry


def test_nothing_is_left_over_and_nothing_doubled(upgrade: Upgrade) -> None:
    assert (upgrade.end.orphans, upgrade.end.duplicates, upgrade.end.misplaced) == (frozenset(),) * 3


def test_the_present_release_was_refused_nothing_and_failed_at_nothing(upgrade: Upgrade) -> None:
    assert [str(entry) for entry in upgrade.writes if not entry.succeeded] == []
    assert [line for line in upgrade.log.splitlines() if '"level":"error"' in line] == []


def _log_of(cluster: Cluster) -> Path:
    assert cluster.audit_log is not None
    return cluster.audit_log


def _key(document: Json) -> str:
    return f"{document['metadata']['namespace']}/{document['metadata']['name']}"


def _uid(document: Json) -> str:
    return str(document["metadata"]["uid"])


def _restarts(pod: Json) -> int:
    return sum(each["restartCount"] for each in pod.get("status", {}).get("containerStatuses", ()))
