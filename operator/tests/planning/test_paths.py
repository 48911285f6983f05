"""The way from the users to each node."""

from __future__ import annotations

import numpy as np
import pytest

from aif.api.aiservice import UserEquipment
from aif.planning.paths import Links, Network
from tests.builders import a_compute_node, a_link, an_aiservice

METRO = a_link(
    "edge-1", upBitsPerSecond="10G", downBitsPerSecond="8G", rttMicroseconds=2000, jitterMicroseconds=50, watts=20
)
FLEET = [
    a_compute_node("gnb-7"),
    a_compute_node("gnb-8", links=[a_link(rttMicroseconds=500)]),
    a_compute_node(
        "edge-1", links=[a_link("gnb-7", rttMicroseconds=1000, upBitsPerSecond="1G", reliabilityPpm=990_000)]
    ),
    a_compute_node("core-1", links=[METRO]),
    a_compute_node("island", links=[]),
]


def users(**spec: object) -> UserEquipment | None:
    """Return the users of a service whose ``ue`` has these fields."""
    return an_aiservice(ue=spec).spec.ue


def rtts(links: Links) -> list[float]:
    """Return round-trip times in microseconds; NaN where there is no path."""
    return [round(float(rtt) * 1e6, 3) for rtt in links.rtt]


def test_users_anywhere_come_over_each_nodes_own_link() -> None:
    links = Network(FLEET).links(None)
    assert rtts(links) == pytest.approx([800, 500, np.nan, np.nan, np.nan], nan_ok=True)
    assert list(links.site) == [0, 1, 2, 3, 4]


def test_a_node_without_a_link_has_none_rather_than_a_free_one() -> None:
    links = Network(FLEET).links(users(count=3))
    assert all(np.isnan(column[4]) for column in (links.rtt, links.up, links.down, links.reliability, links.watts))


def test_users_with_their_own_link_reach_every_node_over_it() -> None:
    own = a_link(rttMicroseconds=9000)
    own.pop("to")
    links = Network(FLEET).links(users(link=own, attachedTo="gnb-7"))
    assert rtts(links) == [9000.0] * 5
    assert list(links.site) == [-1] * 5


def test_attached_users_go_on_from_their_site() -> None:
    links = Network(FLEET).links(users(attachedTo="gnb-7"))
    assert rtts(links) == pytest.approx([800, np.nan, 1800, 3800, np.nan], nan_ok=True)
    assert list(links.site) == [0] * 5


def test_on_a_path_times_and_powers_add_rates_take_the_slowest_and_reliabilities_multiply() -> None:
    links = Network(FLEET).links(users(attachedTo="gnb-7"))
    core = 3
    assert links.jitter[core] == pytest.approx((100 + 100 + 50) * 1e-6)
    assert links.up[core] == pytest.approx(1e9)
    assert links.down[core] == pytest.approx(1950e6)
    assert links.reliability[core] == pytest.approx(0.9999 * 0.99 * 0.9999)
    assert links.watts[core] == pytest.approx(636 + 636 + 20)


def test_a_link_is_walked_in_either_direction_with_its_rates_swapped() -> None:
    site = a_compute_node("gnb-9", links=[a_link(upBitsPerSecond="5G", downBitsPerSecond="5G"), METRO])
    links = Network([site, a_compute_node("edge-1", links=[])]).links(users(attachedTo="gnb-9"))
    assert links.up[1] == pytest.approx(5e9)
    assert links.down[1] == pytest.approx(5e9)
    backhaul = a_link("gnb-9", upBitsPerSecond="2G", downBitsPerSecond="1G", rttMicroseconds=0)
    faster = Network([site, a_compute_node("edge-1", links=[backhaul])]).links(users(attachedTo="gnb-9"))
    assert (faster.up[1], faster.down[1]) == (2e9, 1e9), "the declared direction, since it is quicker"
    reverse = a_link("edge-1", upBitsPerSecond="2G", downBitsPerSecond="1G", rttMicroseconds=0)
    site = a_compute_node("gnb-9", links=[a_link(upBitsPerSecond="5G", downBitsPerSecond="5G"), reverse])
    swapped = Network([site, a_compute_node("edge-1", links=[])]).links(users(attachedTo="gnb-9"))
    assert (swapped.up[1], swapped.down[1]) == (1e9, 2e9)


def test_of_two_ways_the_quicker_is_taken() -> None:
    fleet = [
        a_compute_node("site"),
        a_compute_node("hop", links=[a_link("site", rttMicroseconds=100)]),
        a_compute_node("goal", links=[a_link("site", rttMicroseconds=900), a_link("hop", rttMicroseconds=100)]),
    ]
    assert rtts(Network(fleet).links(users(attachedTo="site")))[2] == 1000.0


@pytest.mark.parametrize(
    "site", [pytest.param("nowhere", id="unknown site"), pytest.param("island", id="without users")]
)
def test_users_attached_to_a_site_that_none_reach_have_no_path(site: str) -> None:
    assert np.isnan(Network(FLEET).links(users(attachedTo=site)).rtt).all()


def test_a_network_without_nodes_has_no_paths() -> None:
    assert len(Network([]).links(None).rtt) == 0
