"""Whatever dies in the middle of a move, somebody answers, no more than one copy moves, and it comes to an end."""

from __future__ import annotations

import signal
import time

import pytest
from contract_moves import BAD, GOOD, Moves
from rest import Json, eventually, stays
from sampling import sampled

PHASES = ["TargetReserved", "TargetReady", "ContractVerified", "TrafficSwitched", "SourceDraining"]


def breach(moves: Moves) -> tuple[str, str]:
    """Place a service, break its contract, and return its node and the other one."""
    source = moves.serve()
    moves.turn(source, BAD)
    return source, moves.other(source)


def pods_on(moves: Moves, node: str) -> list[Json]:
    """Return the pods of the service on a node."""
    return [pod for pod in moves.rest.list("pods", moves.services.namespace) if pod["spec"].get("nodeName") == node]


@pytest.mark.parametrize("phase", PHASES)
def test_an_operator_that_is_killed_in_any_phase_has_a_successor_that_ends_the_move(moves: Moves, phase: str) -> None:
    first = moves.start()
    _, target = breach(moves)
    with sampled(moves.services, "plates") as samples:
        moves.await_phase(*PHASES[PHASES.index(phase) :])
        first.kill()
        time.sleep(1)
        moves.start()
        record = moves.await_record()
        eventually(lambda: len(moves.services.copies("plates")) == 1, "one copy is left")
    assert samples.phases == sorted(samples.phases, key=PHASES.index), "no step was taken twice"
    assert record["result"] == "Completed"
    assert moves.services.node_of("plates") == target
    assert len(moves.records()) == 1
    selector = moves.rest.get("services", "plates", moves.services.namespace) or {}
    eventually(
        lambda: (
            (moves.rest.get("services", "plates", moves.services.namespace) or {})["spec"]["selector"]
            == {"net4ai.io/service": "plates"}
        ),
        "the Service leads to all copies again",
    )
    assert selector


def test_a_target_that_dies_leaves_the_service_where_it_is(moves: Moves) -> None:
    moves.start()
    source, target = breach(moves)
    with sampled(moves.services, "plates"):
        moves.await_phase("TargetReady", "ContractVerified", "TrafficSwitched")
        moves.rest.delete("computenodes", target)
        record = moves.await_record()
        eventually(lambda: len(moves.services.copies("plates")) == 1, "the new copy is gone")
    assert (record["result"], record["reason"]) == ("RolledBack", "NodeNotJoined")
    assert moves.services.node_of("plates") == source


def test_a_source_that_dies_leaves_the_service_to_the_new_copy(moves: Moves) -> None:
    moves.start()
    source, target = breach(moves)
    moves.await_phase("TargetReady")
    moves.rest.delete("computenodes", source)
    (pod,) = pods_on(moves, source)
    moves.rest.patch("nodes", source, {"spec": {"unschedulable": True}})
    moves.rest.delete("pods", pod["metadata"]["name"], moves.services.namespace)
    record = moves.await_record()
    assert (record["result"], record["to"]) == ("Completed", target)
    assert moves.services.node_of("plates") == target
    eventually(lambda: len(moves.services.copies("plates")) == 1, "the old copy is gone")
    moves.services.await_ready("plates")


def test_a_prometheus_that_stops_in_the_middle_leaves_both_copies_as_they_are(moves: Moves) -> None:
    operator = moves.start()
    source, target = breach(moves)
    with sampled(moves.services, "plates"):
        moves.await_phase("TargetReady")
        moves.prometheus.process.send_signal(signal.SIGSTOP)
        try:
            stays(lambda: moves.migration().get("phase") == "TargetReady", "unknown is no verdict", 20)
            assert len(moves.services.copies("plates")) == 2
        finally:
            moves.prometheus.process.send_signal(signal.SIGCONT)
        record = moves.await_record(within_s=180)
    assert (record["result"], record["verifiedBy"], record["to"]) == ("Completed", "Measurement", target)
    assert operator.alive
    assert source != target


@pytest.mark.parametrize("lie", ["NaN", "<html>busy</html>"], ids=["NaN", "HTML"])
def test_a_lie_in_the_middle_is_no_verdict(moves: Moves, lie: str) -> None:
    moves.start()
    breach(moves)
    with sampled(moves.services, "plates"):
        moves.await_phase("TargetReady")
        moves.traffic.value = lie
        stays(lambda: moves.migration().get("phase", "TargetReady") == "TargetReady", "a lie is no verdict", 15)
        moves.traffic.value = ""
        assert moves.await_record(within_s=180)["result"] == "Completed"


def test_a_changed_template_in_the_middle_drops_the_new_copy_and_moves_with_the_new_one(moves: Moves) -> None:
    moves.start()
    breach(moves)
    with sampled(moves.services, "plates"):
        moves.await_phase("TargetReady")
        moves.services.patch("plates", {"workload": {"image": "plates:2"}})
        first = moves.await_record(1)
        second = moves.await_record(2)
    assert (first["result"], first["reason"]) == ("RolledBack", "Superseded")
    assert (second["trigger"], second["result"]) == ("SpecChanged", "Completed")
    (copy,) = moves.services.copies("plates")
    assert copy["spec"]["template"]["spec"]["containers"][0]["image"] == "plates:2"


def test_a_pause_in_the_middle_ends_both_copies(moves: Moves) -> None:
    moves.start()
    source, _ = breach(moves)
    moves.await_phase("TargetReady")
    moves.services.patch("plates", {"suspend": True})
    eventually(lambda: moves.services.copies("plates") == [], "all copies are gone")
    assert moves.await_record()["reason"] == "Suspended"
    assert moves.migration() == {}
    moves.turn(source, GOOD)
    moves.services.patch("plates", {"suspend": False})
    moves.services.await_ready("plates")


def test_a_person_ends_a_move(moves: Moves) -> None:
    moves.start()
    source, _ = breach(moves)
    with sampled(moves.services, "plates"):
        number = moves.await_phase("TargetReady", "TrafficSwitched")["id"]
        annotation = {"metadata": {"annotations": {"net4ai.io/abort": f"{number}#1"}}}
        moves.rest.patch("aiservices", "plates", annotation, moves.services.namespace)
        record = moves.await_record()
        eventually(lambda: len(moves.services.copies("plates")) == 1, "the new copy is gone")
    assert (record["result"], record["reason"]) == ("RolledBack", "Aborted")
    assert moves.services.node_of("plates") == source
