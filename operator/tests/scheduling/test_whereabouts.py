"""Where the users are, by the last readings, and whether the service moves ahead: only where it pays, and is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aif.api.aiservice import AIService
from aif.planning.mobility.moves import Verdict
from aif.scheduling.node_table import NodeTable
from aif.scheduling.whereabouts import Track, Whereabouts, foresee, seen_from
from tests.builders import a_compute_node, a_link, an_aiservice
from tests.reconcile.moving.moves import moving
from tests.reconcile.scenes import a_placement, placed
from tests.scheduling.fleet import POLICY, a_table

STAY = 5
ROUND = ("gnb-7", "gnb-8", "gnb-9")
FAR = {"rttMicroseconds": 30_000}
NODES = (
    a_compute_node("gnb-7", links=[a_link(), a_link("gnb-8", **FAR)]),
    a_compute_node("gnb-8", links=[a_link(), a_link("gnb-9", **FAR)]),
    a_compute_node("gnb-9", links=[a_link(), a_link("gnb-7", **FAR)]),
)
HABIT = [site for site in ROUND for _ in range(STAY)] * 6


def a_service(**spec: Any) -> AIService:
    """Return a service on gnb-7 that keeps its 20 ms at the site of its users alone."""
    return placed(an_aiservice(**spec), a_placement(an_aiservice(**spec)))


def foreseen(
    *readings: str, service: AIService | None = None, habit: list[str] | None = None, table: NodeTable | None = None
) -> Whereabouts | None:
    """Return what is foreseen after the usual rounds and then ``readings``, where a move takes a step."""
    track = Track((*(HABIT if habit is None else habit), *readings), 15.0)
    return foresee(service or a_service(), track, table or a_table(*NODES), POLICY, 15.0)


def test_a_service_goes_ahead_of_users_who_are_about_to_leave() -> None:
    found = foreseen(*["gnb-7"] * STAY)
    assert found is not None
    assert (found.site, found.verdict, found.next_site, found.host) == ("gnb-7", Verdict.MOVE, "gnb-8", "gnb-8")
    assert "avoids" in found.reason


def test_a_service_stays_with_users_who_have_just_come() -> None:
    found = foreseen("gnb-7")
    assert found is not None
    assert (found.site, found.verdict) == ("gnb-7", Verdict.WAIT)


def test_users_who_were_never_seen_to_leave_are_not_gone_ahead_of() -> None:
    found = foreseen(*["gnb-7"] * STAY, habit=["gnb-8"])
    assert found is not None
    assert found.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "service",
    [
        pytest.param(a_service(qos={}), id="no latency target"),
        pytest.param(an_aiservice(), id="no place"),
        pytest.param(moving(), id="on its way"),
    ],
)
def test_where_the_users_are_is_known_without_a_verdict(service: AIService) -> None:
    assert foreseen(*["gnb-7"] * STAY, service=service) == Whereabouts("gnb-7")


def test_nobody_knows_where_users_are_who_were_not_read_for_long() -> None:
    assert foreseen("", "", "") is None
    assert foreseen("", "gnb-5", "") is None, "a site that is no ComputeNode"
    found = foreseen("gnb-7", "", "")
    assert found is not None
    assert found.site == "gnb-7"


def test_a_node_on_which_nothing_fits_is_not_gone_to() -> None:
    table = a_table(*NODES)
    full = replace(table, considered=table.considered & [True, False, True])
    found = foreseen(*["gnb-7"] * STAY, table=full)
    assert found is not None
    assert found.host != "gnb-8"


def test_users_are_seen_at_a_site_that_exists_unless_they_bring_their_link() -> None:
    service, table = an_aiservice(), a_table(*NODES)
    there = seen_from(service, "gnb-8", table)
    assert there.spec.ue is not None
    assert there.spec.ue.attached_to == "gnb-8"
    assert seen_from(service, "gnb-5", table) is service
    assert seen_from(service, None, table) is service
    own = an_aiservice(ue={"link": {k: v for k, v in a_link().items() if k != "to"}})
    assert seen_from(own, "gnb-8", table) is own
