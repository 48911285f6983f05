"""The evidence shows what each resource must offer: whole microseconds and millionths, quantities, levels."""

from __future__ import annotations

from typing import Any

import pytest

from aif.api.aiservice_demands import Demands
from aif.planning.demands import translate
from aif.reconcile.evidence import demands
from tests.builders import VGG16, an_aiservice


def asked(**spec: Any) -> Demands:
    service = an_aiservice(**{"model": VGG16, "load": {"requestsPerSecond": 10}, "qos": {}} | spec)
    return demands(service, translate(service, service.variants[0]))


def told(found: Demands) -> set[tuple[str, ...]]:
    return {(one.resource, one.indicator, one.bound, one.target, one.unit or "") for one in found.resources}


def test_a_latency_is_shown_in_whole_microseconds() -> None:
    found = told(asked(qos={"latency": {"maxP99Microseconds": 50_001}}))
    assert ("Compute", "duration", "AtMost", "50001", "us") in found
    assert ("Connection", "delay", "AtMost", "50001", "us") in found
    assert ("Compute", "rate", "AtLeast", "619.988G", "FLOP/s") in found, "rounded up: 31 GFLOP in 50.001 ms"


@pytest.mark.parametrize("share", [700_000, 999_000, 999_001, 999_900, 333_333, 1])
def test_a_share_is_shown_in_the_millionths_that_were_asked_for(share: int) -> None:
    found = told(asked(qos={"availability": {"minPpm": share}}))
    assert ("Compute", "availability", "AtLeast", str(share), "ppm") in found


def test_levels_are_shown_where_they_ask_for_something() -> None:
    found = told(asked(qos={"securityLevel": "High"}))
    assert ("Connection", "securityLevel", "AtLeast", "High", "") in found
    assert not any(name == "privacyLevel" for _, name, *_ in found), "Low asks for nothing"


def test_without_a_contract_the_load_and_the_model_still_ask() -> None:
    assert told(asked()) == {
        ("Compute", "precision", "Exactly", "FP32", ""),
        ("Compute", "rate", "AtLeast", "310G", "FLOP/s"),
        ("Connection", "bandwidth", "AtLeast", "48M", "bit/s"),
    }
