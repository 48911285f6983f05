"""A request to move is followed to its end, whatever of the move is seen on the way."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console, RenderableType

from aif.api.aiservice import AIService
from aif.api.migration_status import Phase
from aif.cli.explain.explanation import explanation
from aif.cli.explain.history import report as history_of
from aif.cli.explain.history import view as history_view
from aif.cli.explain.view import view as explained
from aif.cli.moves import view as moves_view
from aif.cli.moves.moves import PHASES, End, Pursuit, last_number, over, report, request
from aif.cli.top.services import report as top_of
from aif.cli.top.services import view as top_view
from tests.cli.moves.moving import FIGURES, GNB, a_move, a_moving_service, a_record, a_told

VALUE = "edge-2#20300101T120000"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def printed(shown: RenderableType) -> str:
    screen = Console(file=io.StringIO(), width=200)
    with screen.capture() as captured:
        screen.print(shown)
    return captured.get()


def a_plan(node: str = "edge-2") -> dict[str, object]:
    return {"offload": "Network", "node": node, "variant": "gpu", "token": "t1", "waitsFor": ["RiseTier"]}


APPROVAL = a_told("ApprovalRequired", "True", "AwaitingApproval", "Would move to edge-2")
REFUSED = a_told("Migrating", "False", "MigrationForbidden", "edge-2: memory is short")


@pytest.mark.parametrize(
    ("service", "end", "number"),
    [
        pytest.param(a_moving_service(), None, None, id="nobody has looked"),
        pytest.param(a_moving_service(migration=a_move(requestToken=VALUE)), None, 3, id="it moves"),
        pytest.param(a_moving_service(migration=a_move()), None, None, id="it moves for another reason"),
        pytest.param(
            a_moving_service(lastHandledMigrateTo=VALUE, conditions=[REFUSED]), End.REFUSED, None, id="refused"
        ),
        pytest.param(
            a_moving_service(migrations=[a_record(trigger="Requested")], lastHandledMigrateTo=VALUE),
            End.COMPLETED,
            3,
            id="over before anybody looked",
        ),
        pytest.param(
            a_moving_service(migrations=[a_record("RolledBack", trigger="Requested", reason="MigrationTimeout")]),
            End.ROLLED_BACK,
            3,
            id="taken back",
        ),
        pytest.param(
            a_moving_service(migrations=[a_record(id=2, trigger="Requested")]), None, None, id="an earlier request"
        ),
        pytest.param(a_moving_service(migrations=[a_record()]), None, None, id="a move for another reason"),
        pytest.param(
            a_moving_service(plan=a_plan(), conditions=[APPROVAL]), End.AWAITING_APPROVAL, None, id="it is proposed"
        ),
        pytest.param(
            a_moving_service(plan=a_plan("cloud"), conditions=[APPROVAL]), None, None, id="another node is proposed"
        ),
    ],
)
def test_a_request_ends_where_the_status_says_so(service: AIService, end: End | None, number: int | None) -> None:
    seen = Pursuit(VALUE, after=2).with_seen(service)
    assert (seen.end, seen.number) == (end, number)


def test_a_request_for_any_node_waits_with_whatever_is_proposed() -> None:
    service = a_moving_service(plan=a_plan("cloud"), conditions=[APPROVAL])
    assert Pursuit("any#1", after=2).with_seen(service).end is End.AWAITING_APPROVAL


def test_a_move_of_the_operator_is_followed_by_its_number() -> None:
    pursuit = Pursuit("", after=3, number=3).with_seen(a_moving_service(migration=a_move()))
    assert pursuit.move is not None
    ended = pursuit.with_seen(a_moving_service(migrations=[a_record("RolledBack", reason="Aborted")]))
    assert (ended.end, ended.message) == (End.ROLLED_BACK, "Aborted")


def test_the_status_that_says_nothing_new_keeps_what_was_seen() -> None:
    pursuit = Pursuit(VALUE, after=2).with_seen(a_moving_service(migration=a_move(requestToken=VALUE)))
    assert pursuit.with_seen(a_moving_service(lastHandledMigrateTo=VALUE)) == pursuit


def test_phases_that_were_seen_have_their_times_and_others_have_none() -> None:
    pursuit = Pursuit(VALUE, after=2)
    for phase, since in (("TargetReserved", "12:00:00"), ("ContractVerified", "12:00:40"), ("SourceDraining", "12:01")):
        move = a_move(phase, phaseSince=f"2030-01-01T{since}Z", requestToken=VALUE)
        pursuit = pursuit.with_seen(a_moving_service(migration=move))
    pursuit = pursuit.with_seen(a_moving_service(migrations=[a_record()]))
    structure = report(a_moving_service(), pursuit, {"net4ai.io/migrate-to": VALUE})
    assert {each["phase"]: each["seconds"] for each in structure["phases"]} == {
        "TargetReserved": 40,
        "ContractVerified": 20,
        "SourceDraining": 30,
    }
    assert (structure["result"], structure["move"]["seconds"]) == ("Completed", 90)
    assert structure["placements"][0]["node"] == GNB["node"]


def test_the_progress_shows_what_is_done_what_is_under_way_and_what_is_measured() -> None:
    move = a_move("ContractVerified", requestToken=VALUE, verifiedBy="Measurement", figures=FIGURES)
    pursuit = Pursuit(VALUE, after=2).with_seen(a_moving_service(migration=move))
    shown = printed(moves_view.progress(pursuit, datetime(2030, 1, 1, 12, 0, 33, tzinfo=UTC)))
    rows = {phase: line for line in shown.splitlines() for phase in PHASES if phase in line}
    assert rows[Phase.TARGET_READY].startswith("done")
    assert rows[Phase.CONTRACT_VERIFIED].split()[:3] == ["now", "ContractVerified", "13"]
    assert "by Measurement" in rows[Phase.CONTRACT_VERIFIED]
    assert rows[Phase.SOURCE_DRAINING].startswith(" ")
    assert "Move 3 from gnb-7 to edge-2, LatencyBreached" in shown
    assert "latency    20 ms     210 ms    14 ms" in shown


def test_before_the_answer_the_progress_says_what_is_waited_for() -> None:
    assert printed(moves_view.progress(Pursuit(VALUE, 2), NOON)) == "Waiting for the operator to answer\n"


def test_a_line_for_a_log_names_the_phase_with_its_time_and_figures() -> None:
    move = a_move("ContractVerified", requestToken=VALUE, verifiedBy="Probe", figures=FIGURES)
    pursuit = Pursuit(VALUE, after=2).with_seen(a_moving_service(migration=move))
    assert moves_view.line(pursuit) == (
        "12:00:20 ContractVerified: the Service turns to the new copy, by Probe; latency 210 ms -> 14 ms"
    )


def test_a_request_is_new_each_second() -> None:
    assert request("any", NOON) == "any#20300101T120000"


def test_the_number_of_the_last_move_counts_the_one_under_way() -> None:
    assert last_number(a_moving_service()) == 0
    assert last_number(a_moving_service(migrations=[a_record(id=2)])) == 2
    assert last_number(a_moving_service(migrations=[a_record(id=2)], migration=a_move())) == 3


def test_a_record_without_times_has_no_duration() -> None:
    service = a_moving_service(migrations=[a_record(startedAt=None)])
    assert over(service.status.migrations)[0]["seconds"] is None


def test_explain_names_the_move_under_way_and_the_last_ones() -> None:
    service = a_moving_service(
        migration=a_move(id=9, figures=FIGURES), migrations=[a_record(id=number) for number in range(5, 9)]
    )
    assert explanation(service)["migration"]["from"] == "gnb-7"
    assert [each["id"] for each in explanation(service)["migrations"]] == [5, 6, 7, 8]
    shown = printed(explained(service, Console()))
    assert "Move 9 from gnb-7 to edge-2, LatencyBreached" in shown
    assert "TargetReady since 12:00:20 UTC: both copies serve, and are judged side by side" in shown
    assert [line.split()[0] for line in shown.partition("Last moves")[2].splitlines()[2:5]] == ["6", "7", "8"]


def test_history_has_a_row_per_move_with_result_duration_and_figures() -> None:
    service = a_moving_service(
        migration=a_move(id=4, figures=FIGURES),
        migrations=[a_record(), a_record("RolledBack", id=2, reason="ContractNotVerified")],
    )
    structure = history_of(service, [], NOON)
    assert [each["seconds"] for each in structure["migrations"]] == [90, 90]
    shown = printed(history_view(structure, Console())).partition("Moves")[2]
    assert "Completed" in shown
    assert "90 s" in shown
    assert "RolledBack (ContractNotVerified)" in shown
    assert "latency 210 ms -> 14 ms of 20 ms" in shown


def test_top_shows_moves_alarms_and_what_is_measured_of_what_was_promised() -> None:
    row = {"dimension": "latency", "target": 20_000, "measured": 210_000, "verdict": "Breached", "alarm": "Raised"}
    alarm = a_told("ThresholdAlarm", "True", "LatencyBreached")
    placed = a_told("Placed", "True", "AsExpected")
    structure = top_of([a_moving_service(qos=[row], conditions=[placed, alarm], migration=a_move())], "name")
    (service,) = structure["services"]
    assert service["alarms"] == {"latency": "Raised"}
    assert service["measured"][0]["measured"] == 210_000
    assert service["conditions"] == {"ThresholdAlarm": "LatencyBreached"}
    shown = printed(top_view(structure, Console()))
    assert "latency 210 ms of 20 ms" in shown
    assert "move 3: gnb-7 -> edge-2, TargetReady" in shown
    assert "latency Breached, alarm raised" in shown
    assert "ThresholdAlarm" not in shown


def test_every_phase_has_its_words() -> None:
    assert list(PHASES) == list(Phase)
