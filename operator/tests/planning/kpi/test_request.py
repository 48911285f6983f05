"""The figures of merit, against the worked example of [6GANA] section 5 and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aif.api.qos import LatencyIndicator
from aif.planning.demands import translate
from aif.planning.kpi.request import Prediction, Servers, predict
from aif.planning.paths import Network
from tests.builders import VGG16, a_compute_node, a_link, an_aiservice
from tests.planning.test_demands import LANGUAGE_MODEL

A100 = Servers(np.array([19.5e12]), np.array([1555e9]), np.array([400.0]))
INSTANT_LINK = a_link(rttMicroseconds=0, reliabilityPpm=1_000_000)


def prediction(
    indicator: LatencyIndicator = LatencyIndicator.REQUEST, link: dict[str, Any] = INSTANT_LINK, **spec: Any
) -> Prediction:
    """Return what a request meets with on one A100 behind ``link``."""
    service = an_aiservice(**spec)
    links = Network([a_compute_node(links=[link])]).links(None)
    return predict(translate(service, service.variants[0]), indicator, A100, links, np.array([702.0]))


def test_the_worked_example_takes_4_05_milliseconds_and_2_20_joules() -> None:
    # The report has no queue: at 1 request in 100 seconds nobody waits.
    model = VGG16 | {"memoryTrafficBytesPerRequest": 0}
    found = prediction(model=model, load={"requestsPerSecond": "10m"})
    assert found.latency == pytest.approx(4.05e-3, abs=5e-6)
    assert found.energy == pytest.approx(2.20, abs=5e-3)
    assert 4.80e6 / found.energy == pytest.approx(2.18e6, abs=5e3), "energy efficiency in bit/J"
    assert found.emission == pytest.approx(2.2014 / 3.6e6 * 702, rel=1e-4), "grams of CO2 equivalent"
    assert found.accuracy == pytest.approx(0.7159)


def test_the_latency_of_a_request_is_the_sum_of_its_parts() -> None:
    found = prediction(link=a_link(rttMicroseconds=800))
    assert found.communication == pytest.approx(800e-6 + 4.8e6 / 1950e6)
    assert found.wait > 0
    assert found.latency == pytest.approx(found.communication + found.wait + found.compute)


def test_link_reliability_lowers_accuracy() -> None:
    assert prediction(link=a_link(reliabilityPpm=990_000)).accuracy == pytest.approx(0.7159 * 0.99)


def test_energy_counts_the_answer_too() -> None:
    told, untold = prediction(model=VGG16 | {"outputBits": "1950k"}), prediction()
    assert told.energy - untold.energy == pytest.approx(636 * 1e-3)
    assert told.latency - untold.latency == pytest.approx(1e-3)


def test_the_first_token_waits_for_the_prompt_and_not_for_the_answer() -> None:
    found = prediction(LatencyIndicator.FIRST_TOKEN, model=LANGUAGE_MODEL, load={"requestsPerSecond": "1m"})
    assert found.wait == pytest.approx(0.0)
    assert found.latency == pytest.approx(4.8e6 / 1950e6 + 31e9 / 19.5e12)


def test_a_further_token_takes_what_its_memory_traffic_takes() -> None:
    found = prediction(LatencyIndicator.OUTPUT_TOKEN, model=LANGUAGE_MODEL)
    assert found.latency == pytest.approx(16e9 / 1555e9)


def test_a_further_token_of_a_model_that_generates_none_is_unknown() -> None:
    assert np.isnan(prediction(LatencyIndicator.OUTPUT_TOKEN).latency).all()


def test_a_node_that_cannot_keep_up_has_no_latency_to_promise() -> None:
    assert np.isinf(prediction(load={"requestsPerSecond": 1000}).latency).all()
