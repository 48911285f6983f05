"""A broken contract moves a service to where it holds; what is no better comes back; what nothing mends stays."""

from __future__ import annotations

import time

import pytest
from contract_moves import BAD, GOOD, WORSE, Moves
from rest import eventually, stays
from sampling import sampled

PHASES = ["TargetReserved", "TargetReady", "ContractVerified", "TrafficSwitched", "SourceDraining"]


def test_a_breach_is_left_before_users_go_without_an_answer(moves: Moves) -> None:
    operator = moves.start()
    source = moves.serve()
    target = moves.other(source)
    with sampled(moves.services, "plates") as samples:
        moves.turn(source, BAD)
        record = moves.await_record()
        moves.services.await_condition("plates", "QoSMet", "True", within_s=60)
    assert (record["from"], record["to"], record["trigger"]) == (source, target, "LatencyBreached")
    assert (record["result"], record["verifiedBy"]) == ("Completed", "Measurement")
    assert [phase for phase in samples.phases if phase not in PHASES] == []
    assert samples.phases == sorted(samples.phases, key=PHASES.index)
    assert moves.services.node_of("plates") == target
    assert len(moves.services.copies("plates")) == 1
    news = moves.services.events("plates")
    told = ["MoveStarted", "TargetReady", "ContractVerified", "TrafficSwitched", "Completed"]
    assert [news.count(each) for each in told] == [1] * len(told)
    assert news.count("LatencyBreached") == 1
    eventually(lambda: operator.metric("aif_migrations_total") == 1, "the move is counted")


def test_a_new_copy_that_is_worse_goes_back(moves: Moves) -> None:
    moves.start()
    source = moves.serve()
    target = moves.other(source)
    moves.turn(target, WORSE)
    with sampled(moves.services, "plates"):
        moves.turn(source, BAD)
        record = moves.await_record()
        eventually(lambda: len(moves.services.copies("plates")) == 1, "the new copy is gone")
    assert (record["result"], record["reason"]) == ("RolledBack", "ContractNotVerified")
    assert moves.services.node_of("plates") == source
    assert moves.services.condition("plates", "QoSMet")["status"] == "False"
    stays(lambda: len(moves.services.copies("plates")) == 1, "nobody tries the same node again at once", 8)


def test_a_new_copy_that_breaks_the_contract_stays_where_it_is_better(moves: Moves) -> None:
    moves.start()
    source = moves.serve()
    target = moves.other(source)
    moves.turn(target, BAD)
    with sampled(moves.services, "plates"):
        moves.turn(source, WORSE)
        record = moves.await_record()
    assert (record["result"], record["verifiedBy"]) == ("Completed", "Measurement")
    assert moves.services.node_of("plates") == target


def test_a_new_copy_that_fails_under_full_load_gives_the_service_back(moves: Moves) -> None:
    moves.start()
    source = moves.serve()
    target = moves.other(source)
    with sampled(moves.services, "plates"):
        moves.turn(source, BAD)
        moves.await_phase("TrafficSwitched")
        moves.traffic.failing_on[target] = 0.5
        record = moves.await_record()
        eventually(lambda: len(moves.services.copies("plates")) == 1, "the new copy is gone")
    assert (record["result"], record["reason"]) == ("RolledBack", "ContractNotVerified")
    assert moves.services.node_of("plates") == source


def test_a_contract_that_no_node_keeps_moves_nobody_and_writes_little(moves: Moves) -> None:
    moves.start()
    source = moves.serve()
    moves.pool.cordon(moves.other(source))
    moves.turn(source, BAD)
    told = moves.services.await_condition("plates", "Degraded", "True", within_s=60)
    assert "latency is" in told["message"]
    before = int(moves.services.get("plates")["metadata"]["generation"]), _version(moves)
    for step in range(10):
        moves.turn(source, BAD + 0.01 * step)
        time.sleep(1)
    assert (int(moves.services.get("plates")["metadata"]["generation"]), _version(moves)) == before
    assert moves.migration() == {}
    assert len(moves.services.copies("plates")) == 1
    moves.pool.cordon(moves.other(source), cordoned=False)
    assert moves.await_record()["result"] == "Completed"


def _version(moves: Moves) -> str:
    version: str = moves.services.get("plates")["metadata"]["resourceVersion"]
    return version


@pytest.mark.parametrize("value", ["any", "named"])
def test_a_person_moves_a_service_and_is_answered_once(moves: Moves, value: str) -> None:
    moves.start()
    source = moves.serve()
    target = moves.other(source)
    request = f"{target if value == 'named' else 'any'}#1"
    with sampled(moves.services, "plates"):
        moves.rest.patch(
            "aiservices",
            "plates",
            {"metadata": {"annotations": {"net4ai.io/migrate-to": request}}},
            moves.services.namespace,
        )
        record = moves.await_record()
    assert (record["trigger"], record["to"]) == ("Requested", target)
    assert moves.services.get("plates")["status"]["lastHandledMigrateTo"] == request
    stays(lambda: moves.services.node_of("plates") == target, "it is answered once", 3)
    moves.turn(source, GOOD)
