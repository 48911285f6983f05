"""Who shares node and link with whom, and that the shares of all together are what there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aif.scheduling.ledger import Claim
from aif.scheduling.sharing import SiteShare, share_of
from tests.builders import a_compute_node, a_link
from tests.scheduling.fleet import a_table

UPLINK = 1950e6
CORES = 32.0


def a_resident(name: str, **fields: Any) -> Claim:
    """Return what a service of 10 requests of 1 Mbit per second holds: 4 cores, a tenth of the processor busy."""
    usual: dict[str, Any] = {
        "namespace": "default",
        "service": name,
        "node": "gnb-7",
        "node_name": "worker-gnb-7",
        "resources": {"cpu": 4.0},
        "up_bits_per_second": 10e6,
        "utilisation": 0.1,
        "site": "gnb-7",
        "requests_per_second": 10.0,
    }
    return Claim(owner=f"uid-{name}", **usual | fields)


ONE, OTHER = a_resident("one"), a_resident("other")


def shares(*claims: Claim) -> list[SiteShare]:
    """Return what each of ``claims`` may take, which share one node."""
    found = [share_of(claim, a_table(claims=claims)) for claim in claims]
    assert None not in found
    return [each for each in found if each is not None]


def test_two_of_a_kind_halve_what_there_is() -> None:
    for share in shares(ONE, OTHER):
        assert share.services == 2
        assert [share.bits_per_second, share.cores] == pytest.approx([UPLINK / 2, CORES / 2])


def test_who_comes_gets_the_share_that_it_has_once_it_is_there() -> None:
    assert share_of(ONE, a_table(claims=[OTHER])) == share_of(ONE, a_table(claims=[ONE, OTHER])) is not None


def test_a_copy_that_comes_beside_an_old_one_has_the_share_of_both() -> None:
    old = replace(ONE, copy="old")
    assert share_of(replace(ONE, copy="new"), a_table(claims=[old, OTHER])) == share_of(ONE, a_table(claims=[OTHER]))


def test_all_shares_together_are_the_link_and_the_cores() -> None:
    all_of_them = shares(ONE, OTHER, a_resident("third", up_bits_per_second=40e6, utilisation=0.3))
    assert sum(share.bits_per_second for share in all_of_them) == pytest.approx(UPLINK)
    assert sum(share.cores for share in all_of_them) == pytest.approx(CORES)
    assert all_of_them[2].cores > all_of_them[0].cores


def test_a_tight_target_takes_from_the_others() -> None:
    free, tight = shares(ONE, OTHER), shares(replace(ONE, latency_seconds=0.018), OTHER)
    assert tight[0].seconds <= 0.018 < free[0].seconds
    assert tight[1].cores < free[1].cores


@pytest.mark.parametrize(
    ("other", "uplink", "cores"),
    [
        pytest.param({"device": "nvidia.com/gpu"}, UPLINK - 10e6, CORES - 4.0, id="computes on a device of its own"),
        pytest.param({"requests_per_second": 0.0}, UPLINK - 10e6, CORES - 4.0, id="told no load"),
        pytest.param({"leaving": True}, UPLINK - 10e6, CORES - 4.0, id="on its way out"),
        pytest.param({"site": "edge-1"}, UPLINK, CORES - 4.0, id="whose users come over another link"),
    ],
)
def test_what_others_hold_is_given_before(other: dict[str, Any], uplink: float, cores: float) -> None:
    table = a_table(claims=[ONE, OTHER, replace(a_resident("apart"), **other)])
    share = share_of(ONE, table)
    assert share is not None
    assert share.services == 2
    assert [share.bits_per_second, share.cores] == pytest.approx([uplink / 2, cores / 2])


@pytest.mark.parametrize(
    ("one", "others"),
    [
        pytest.param(ONE, [], id="nobody else is there"),
        pytest.param(ONE, [replace(OTHER, device="nvidia.com/gpu")], id="the other needs no cores"),
        pytest.param(replace(ONE, site=""), [OTHER], id="the users bring a link of their own"),
        pytest.param(replace(ONE, node="gnb-9"), [OTHER], id="the node is gone"),
        pytest.param(replace(ONE, latency_seconds=0.001), [OTHER], id="the site cannot hold all targets"),
        pytest.param(replace(ONE, resources={}), [OTHER], id="it asks for no cores"),
    ],
)
def test_there_is_no_share(one: Claim, others: list[Claim]) -> None:
    assert share_of(one, a_table(claims=others)) is None


def test_a_site_without_a_link_has_nothing_to_share() -> None:
    bare = a_compute_node(links=[a_link("edge-1")])
    assert share_of(ONE, a_table(bare, claims=[OTHER])) is None
