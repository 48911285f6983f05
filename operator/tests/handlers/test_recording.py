"""Every decision is recorded with all that it was made from, and the same code makes it again."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.cli.simulation.replay import Verdict, Wanted, lines, recording, replay
from aif.domain.policy import Policy
from aif.gateways.exposition import Exposition
from aif.gateways.journal import Journal
from aif.handlers.frames import HIDDEN
from aif.handlers.measured import Measured
from aif.handlers.recording import Encoder, Entry, Recording
from aif.handlers.world import World
from aif.planning.mobility.moves import Verdict as Verdicts
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.whereabouts import Whereabouts
from aif.settings import Settings
from tests import virtual_time
from tests.builders import a_compute_node, a_node, an_aiservice
from tests.handlers.scenes import Inside, a_key
from tests.reconcile.training.jobs import a_job

SECRET = "do-not-record-me"
COUNT = "aif_recorded_decisions_total"


def an_inside(folder: Path, *, rows: int = 2, most_bytes: int = 2**20) -> Inside:
    """Return a replica that sees ``rows`` radio sites of one accelerator each, and records into ``folder``."""

    def record(world: World, metrics: Exposition) -> Recording:
        journal = Journal[Entry](folder, "replica-1", most_bytes, Encoder(world.policy).lines, metrics)
        journal.start()
        return Recording(journal, world)

    computes = [a_compute_node(f"gnb-{7 + row}") for row in range(rows)]
    return Inside.of(*computes, nodes=[a_node(f"worker-gnb-{7 + row}") for row in range(rows)], record=record)


def recorded(folder: Path, scene: Callable[[Inside], Coroutine[Any, Any, None]], **how: int) -> list[Verdict]:
    """Play ``scene`` and return what becomes of each decision that was recorded."""

    async def play() -> None:
        inside = an_inside(folder, **how)
        await scene(inside)
        assert inside.recording is not None
        inside.recording.close()

    virtual_time.run(play())
    return [verdict for *_, verdicts in replay(recording(str(folder)), Wanted()) for verdict in verdicts]


def a_secretive_service(name: str) -> AIService:
    workload = {
        "image": "registry.example.org/plates:1",
        "resources": {"cpu": 2, "memory": "4Gi"},
        "env": [{"name": "TOKEN", "value": SECRET}],
        "args": [f"--token={SECRET}"],
    }
    metadata = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": SECRET}}
    return an_aiservice(name, workload=workload, metadata=metadata)


async def first_places(inside: Inside) -> None:
    for name in ("first", "second", "third"):
        inside.see(a_secretive_service(name))
    await inside.work_for()


async def a_loss(inside: Inside) -> None:
    inside.see(a_secretive_service("plates"))
    await inside.work_for()
    home = inside.world.services.get(("default", "plates"))
    host = home.status.placements[0].node_name  # type: ignore[union-attr]
    inside.world.nodes.put(("", host), None)
    inside.work.add(a_key())
    await inside.work_for()


def test_services_of_one_batch_are_decided_again_as_they_were(tmp_path: Path) -> None:
    verdicts = recorded(tmp_path, first_places)
    firsts = verdicts[:3]
    assert {verdict.service for verdict in firsts} == {"default/first", "default/second", "default/third"}
    assert all(verdict.same for verdict in verdicts)
    assert sorted(place["node"] for verdict in firsts for place in verdict.replayed["places"]) == ["gnb-7", "gnb-8"]


def test_a_service_that_is_planned_anew_is_decided_again_as_it_was(tmp_path: Path) -> None:
    single = [verdict for verdict in recorded(tmp_path, a_loss) if verdict.kind == "Single"]
    assert single
    assert all(verdict.same for verdict in single)
    assert [place["node"] for place in single[0].recorded["places"]] == ["gnb-8"]


async def a_training_job(inside: Inside) -> None:
    secret = [{"name": "TOKEN", "value": SECRET}]
    job = a_job("Centralized", workload={"image": "learner:1", "env": secret, "resources": {"cpu": 1, "memory": "1Gi"}})
    inside.world.jobs.put(("lab", "digits"), job)
    inside.world.jobs.put(("lab", "huge"), a_job(clients=900, metadata={"name": "huge", "uid": "uid-huge"}))
    await inside.work_for()


def test_a_training_job_is_decided_again_as_it_was(tmp_path: Path) -> None:
    verdicts = [verdict for verdict in recorded(tmp_path, a_training_job) if verdict.kind == "Job"]
    assert {verdict.service for verdict in verdicts} == {"lab/digits", "lab/huge"}
    assert all(verdict.same for verdict in verdicts)
    placed = next(verdict for verdict in verdicts if verdict.service == "lab/digits")
    assert [place["role"] for place in placed.replayed["places"]] == ["trainer"]
    refused = next(verdict for verdict in verdicts if verdict.service == "lab/huge")
    assert (refused.replayed["places"], refused.replayed["reason"]) == ([], "CapacityReserved")
    assert SECRET not in str([line.body for path in recording(str(tmp_path)) for line in lines(path)])


async def a_handover(inside: Inside) -> None:
    inside.see(an_aiservice(ue={"attachedTo": "gnb-7"}))
    await inside.work_for()
    users = Whereabouts("gnb-7", Verdicts.MOVE, "gnb-8", "gnb-8", "it pays")
    inside.world.measured = Measured(users=lambda _: users)
    inside.work.add(a_key())
    await inside.work_for(0.5)


def test_a_service_that_goes_ahead_of_its_users_is_decided_again_as_it_was(tmp_path: Path) -> None:
    single = [verdict for verdict in recorded(tmp_path, a_handover) if verdict.kind == "Single"]
    assert single
    assert [place["node"] for place in single[0].replayed["places"]] == ["gnb-8"]
    assert single[0].same


def test_other_code_decides_otherwise_and_that_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path, first_places)
    monkeypatch.setattr("aif.cli.simulation.replay.POLICY", _AnotherPolicy())
    again = [verdict for *_, verdicts in replay(recording(str(tmp_path)), Wanted()) for verdict in verdicts]
    assert not all(verdict.same for verdict in again)


class _AnotherPolicy:
    def validate_python(self, _: object) -> Policy:
        return Policy(ladder=(frozenset(),))


def test_what_only_containers_are_told_is_not_recorded(tmp_path: Path) -> None:
    recorded(tmp_path, a_loss)
    text = "".join(str(line.body) for path in recording(str(tmp_path)) for line in lines(path))
    assert SECRET not in text
    assert HIDDEN in text


def test_what_did_not_change_is_not_recorded_again(tmp_path: Path) -> None:
    recorded(tmp_path, a_loss, rows=3)
    (path,) = recording(str(tmp_path))
    _, first, *later = [line.body for line in lines(path)]
    assert set(first["nodes"]["rows"]) == {"gnb-7", "gnb-8", "gnb-9"}
    assert later
    assert all(len(line["nodes"].get("rows", {})) < 3 for line in later)
    assert all("computeNode" not in parts for line in later for parts in line["nodes"].get("rows", {}).values())


@pytest.mark.parametrize(
    ("wanted", "services"),
    [
        pytest.param(Wanted(service="first"), {"default/first"}, id="a service by its name"),
        pytest.param(Wanted(service="default/second"), {"default/second"}, id="a service with its namespace"),
        pytest.param(Wanted(service="other/second"), set(), id="of another namespace"),
        pytest.param(Wanted(node="gnb-7"), {"default/first"}, id="a node"),
    ],
)
def test_a_part_of_a_recording_is_replayed(tmp_path: Path, wanted: Wanted, services: set[str]) -> None:
    recorded(tmp_path, first_places)
    verdicts = [each for *_, found in replay(recording(str(tmp_path)), wanted) for each in found]
    assert {verdict.service for verdict in verdicts} == services
    assert all(verdict.same for verdict in verdicts)


def test_every_part_of_a_snapshot_is_recorded_or_left_out_knowingly() -> None:
    """Add what a decision newly depends on to the frames, then to this list."""
    told = {"table", "nodes", "view", "claims", "barred", "may_move", "policy", "judged", "users"}
    # A decision of its own; of no weight for the place; whether a move begins or goes on, once there is a place
    left_out = {"selection", "routes_served", "may_start", "judged_copies", "copies_told_apart", "pressures"}
    assert {field.name for field in dataclasses.fields(Snapshot)} == told | left_out


def test_without_the_setting_nothing_is_recorded() -> None:
    async def scene() -> None:
        inside = Inside.of()
        assert Recording.of(Settings(), inside.world, Exposition()) is None
        await asyncio.sleep(0)

    virtual_time.run(scene())


def test_a_recording_that_was_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    recorded(tmp_path, first_places)
    (path,) = recording(str(tmp_path))
    whole = list(lines(path))
    path.write_bytes(path.read_bytes()[:-40])
    assert [line.body for line in lines(path)] in ([line.body for line in whole[:n]] for n in range(len(whole) + 1))


def test_every_file_of_a_recording_can_be_replayed_alone(tmp_path: Path) -> None:
    verdicts = recorded(tmp_path, a_loss, most_bytes=12 * 1024)
    paths = recording(str(tmp_path))
    assert len(paths) > 1
    alone = [verdict for path in paths for *_, found in replay([path], Wanted()) for verdict in found]
    assert alone == verdicts
    assert all(verdict.same for verdict in alone)


def test_what_becomes_of_decisions_is_counted(tmp_path: Path) -> None:
    seen: list[float | None] = []

    async def scene(inside: Inside) -> None:
        await first_places(inside)
        assert inside.recording is not None
        inside.recording.close()
        seen.append(inside.metrics.registry.get_sample_value(COUNT, {"outcome": "recorded"}))

    recorded(tmp_path, scene)
    (path,) = recording(str(tmp_path))
    assert seen == [len(list(lines(path))) - 1]


def test_a_folder_that_cannot_be_written_stops_no_decision(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    seen: list[float | None] = []

    async def scene(inside: Inside) -> None:
        await first_places(inside)
        assert inside.recording is not None
        inside.recording.close()
        assert inside.world.ledger.held("gnb-7").services == 1
        seen.append(inside.metrics.registry.get_sample_value(COUNT, {"outcome": "lost"}))

    recorded(blocked, scene)
    assert seen[0]
