"""The demo's traffic: requests take as long as work and wait on their node do, and are told as servers tell them."""

from __future__ import annotations

import re
from math import log

import pytest
from demo import manifests
from demo.traffic import BUCKETS, Copy, Servers, slowdown, work_seconds

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode

WHO = ("default", "roadside", "c0ffee", "gnb-1")


def a_service(name: str) -> AIService:
    (found,) = [one for one in manifests.load().services if one["metadata"]["name"] == name]
    return AIService.model_validate(found)


def a_node(name: str) -> ComputeNode:
    (found,) = [one for one in manifests.load().compute_nodes if one["metadata"]["name"] == name]
    return ComputeNode.model_validate(found)


@pytest.mark.parametrize(
    ("service", "variant", "node", "seconds"),
    [
        pytest.param("roadside", "gpu", "gnb-1", 552e6 / 300e9, id="an accelerator, bound by its memory"),
        pytest.param("roadside", "gpu", "edge-1", 31e9 / 10.3e12, id="an accelerator, bound by compute"),
        pytest.param("counter", "cpu", "gnb-2", 600e6 / (4505.6e9 * 8 / 32), id="eight of 32 cores"),
        pytest.param("roadside", "gpu", "gnb-2", None, id="a node without such a device"),
    ],
)
def test_work_takes_what_the_roofline_says(service: str, variant: str, node: str, seconds: float | None) -> None:
    served = a_service(service)
    (chosen,) = [each for each in served.variants if each.name == variant]
    assert work_seconds(served, chosen, a_node(node)) == (None if seconds is None else pytest.approx(seconds))


def test_nobody_is_served_faster_than_the_work_and_99_of_100_within_work_and_wait() -> None:
    copy = Copy(WHO, rate=50.0, seconds=0.010)
    assert copy.within(0.0099) == 0.0
    assert copy.within(0.010) == pytest.approx(0.5), "half of them wait at a utilisation of a half"
    assert copy.within(0.010 + 0.010 * log(0.5 / 0.01)) == pytest.approx(0.99)


def test_a_slowed_node_makes_requests_late() -> None:
    usual, slowed = Copy(WHO, 30.0, 0.00184), Copy(WHO, 30.0, 6 * 0.00184)
    assert usual.within(0.010) > 0.99 > slowed.within(0.010)


def test_more_requests_than_a_node_can_take_are_late_and_no_nonsense() -> None:
    shares = [Copy(WHO, 1000.0, 0.1).within(bound) for bound in BUCKETS]
    assert shares == sorted(shares)
    assert 0.0 <= min(shares) <= max(shares) < 0.3


def test_counters_grow_with_the_requests_and_each_series_says_whose_it_is() -> None:
    servers = Servers()
    servers.serve([Copy(WHO, 30.0, 0.001)], 10.0)
    servers.serve([Copy(WHO, 30.0, 0.001)], 10.0)
    labels = 'namespace="default",aiservice="roadside",copy="c0ffee",node="gnb-1"'
    shown = servers.exposition()
    assert f"aif_request_seconds_count{{{labels}}} 600.000\n" in shown
    counts = [float(count) for count in re.findall(r"_bucket\{.*\} (\S+)", shown)]
    assert counts == sorted(counts)
    assert counts[-1] == 600.0


def test_a_copy_that_is_gone_exposes_nothing_more() -> None:
    servers = Servers()
    servers.serve([Copy(WHO, 30.0, 0.001)], 10.0)
    servers.serve([], 1.0)
    assert "c0ffee" not in servers.exposition()


@pytest.mark.parametrize(("value", "factor"), [("6", 6.0), ("0.5", 1.0), ("fast", 1.0), (None, 1.0)])
def test_an_annotation_says_how_slow_a_node_is(value: str | None, factor: float) -> None:
    assert slowdown({} if value is None else {"demo.net4ai.io/slowdown": value}) == factor
    assert slowdown(None) == 1.0
