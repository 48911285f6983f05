"""QoAIS is taken apart into indicators and into what each resource must offer; no number is made up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.planning.qoais.decomposition import (
    AT_LEAST,
    AT_MOST,
    Decomposition,
    Requirement,
    ResourceQos,
    Target,
    decompose,
    strictest,
)
from aif.planning.qoais.indicators import (
    INDICATORS,
    RESOURCE_INDICATORS,
    Measure,
    QoaisDimension,
    Resource,
    ServiceClass,
)
from tests.builders import VGG16, an_aiservice
from tests.planning.test_demands import LANGUAGE_MODEL


def decomposed(**spec: Any) -> Decomposition:
    """Return the QoAIS of VGG-16 at 10 requests per second with this spec."""
    service = an_aiservice(**{"model": VGG16, "load": {"requestsPerSecond": 10}, "qos": {}} | spec)
    return decompose(service, service.variants[0])


def asked(found: Decomposition, resource: Resource, name: str) -> list[ResourceQos]:
    return [one for one in found.resources if (one.resource, one.name) == (resource, name)]


def requirement(found: Decomposition, name: str) -> Requirement:
    (one,) = [one for one in found.requirements if one.indicator.name == name]
    return one


def test_the_published_set_of_training_covers_all_five_dimensions() -> None:
    assert {one.dimension for one in INDICATORS[ServiceClass.TRAINING]} == set(QoaisDimension)


@pytest.mark.parametrize("name", ["generalisation", "robustness", "explainability", "fairness", "reusability"])
def test_what_has_no_accepted_measure_is_listed_as_such(name: str) -> None:
    (one,) = [one for one in INDICATORS[ServiceClass.TRAINING] if one.name == name]
    assert one.measure is Measure.NONE


@pytest.mark.parametrize("kind", ServiceClass)
def test_names_are_unique_in_a_class(kind: ServiceClass) -> None:
    names = [one.name for one in INDICATORS[kind]]
    assert len(names) == len(set(names))


def test_no_number_is_given_without_an_accepted_measure() -> None:
    found = decomposed(qos={"accuracy": {"minBasisPoints": 7000}, "latency": {"maxP99Microseconds": 1000}})
    unmeasured = [one for one in found.requirements if one.indicator.measure is Measure.NONE]
    assert unmeasured
    assert all(one.target is None and one.demand is None for one in unmeasured)


def test_security_privacy_and_autonomy_are_graded() -> None:
    found = decomposed(qos={"securityLevel": "High", "privacyLevel": "Medium"})
    targets = {one.indicator.name: one.target for one in found.requirements if one.indicator.measure is Measure.GRADED}
    assert targets["computeSecurity"] == Target(AT_LEAST, "High")
    assert targets["dataPrivacy"] == Target(AT_LEAST, "Medium")
    assert targets["autonomy"] == Target("Exactly", "Full")
    assert targets["algorithmPrivacy"] is None, "no contract asks for it"
    assert {one.resource for one in found.resources if one.name == "securityLevel"} == {
        Resource.DATA,
        Resource.COMPUTE,
        Resource.CONNECTION,
    }


def test_a_latency_bounds_compute_and_connection_each_by_itself() -> None:
    """31 GFLOP and 4.8 Mbit in 50 ms."""
    found = decomposed(qos={"latency": {"maxP99Microseconds": 50_000}}, load={"requestsPerSecond": 1})
    assert requirement(found, "latency").target == Target(AT_MOST, 0.05, "s", "Hard")
    (duration,) = asked(found, Resource.COMPUTE, "duration")
    (rate,) = asked(found, Resource.COMPUTE, "rate")
    (delay,) = asked(found, Resource.CONNECTION, "delay")
    (bandwidth,) = asked(found, Resource.CONNECTION, "bandwidth")
    assert (duration.target.value, delay.target.value) == (0.05, 0.05)
    assert rate.target.value == pytest.approx(620e9)
    assert bandwidth.target.value == pytest.approx(96e6)
    assert {one.origin for one in (duration, rate, delay, bandwidth)} == {"latency"}


def test_a_further_token_asks_nothing_of_the_connection() -> None:
    qos = {"latency": {"maxP99Microseconds": 50_000, "indicator": "OutputToken"}}
    found = decomposed(model=LANGUAGE_MODEL, qos=qos, load=None)
    assert asked(found, Resource.COMPUTE, "duration")
    assert not asked(found, Resource.CONNECTION, "delay")


def test_the_load_binds_where_it_asks_for_more_than_the_latency() -> None:
    found = decomposed(qos={"latency": {"maxP99Microseconds": 1_000_000}})
    (rate,) = asked(found, Resource.COMPUTE, "rate")
    assert rate.target.value == pytest.approx(310e9), "10 requests per second"
    assert rate.origin == "compute"


def test_an_accuracy_asks_of_the_link_what_the_model_leaves_open() -> None:
    """0.7 of 0.7159."""
    found = decomposed(qos={"accuracy": {"minBasisPoints": 7000}})
    (model,) = asked(found, Resource.ALGORITHM, "performanceBound")
    (link,) = asked(found, Resource.CONNECTION, "reliability")
    assert (model.target.value, model.attainable) == (0.7, True)
    assert link.target.value == pytest.approx(0.7 / 0.7159)
    assert link.attainable


def test_no_link_makes_up_for_a_model_that_is_not_accurate_enough() -> None:
    found = decomposed(qos={"accuracy": {"minBasisPoints": 9000}})
    assert not asked(found, Resource.ALGORITHM, "performanceBound")[0].attainable
    assert not asked(found, Resource.CONNECTION, "reliability")[0].attainable


def test_an_energy_asks_for_efficiency() -> None:
    """31 GFLOP and 4.8 Mbit for 2 J."""
    found = decomposed(qos={"energy": {"maxMillijoulesPerRequest": 2000, "enforcement": "Soft"}})
    (compute,) = asked(found, Resource.COMPUTE, "efficiency")
    (link,) = asked(found, Resource.CONNECTION, "efficiency")
    assert compute.target == Target(AT_LEAST, 15.5e9, "FLOP/J", "Soft")
    assert link.target == Target(AT_LEAST, 2.4e6, "bit/J", "Soft")


def test_costs_that_the_template_tells_are_shown_beside_the_contract() -> None:
    found = decomposed()
    assert (requirement(found, "compute").demand, requirement(found, "compute").demand_unit) == (31e9, "FLOP")
    assert requirement(found, "transfer").demand == 4.8e6
    assert requirement(found, "storage").demand is None


def test_what_the_template_does_not_tell_is_left_out() -> None:
    found = decomposed(model={"name": "unknown"}, load=None, qos={"latency": {"maxP99Microseconds": 1000}})
    assert not asked(found, Resource.COMPUTE, "rate")
    assert not asked(found, Resource.CONNECTION, "bandwidth")
    assert requirement(found, "compute").demand is None


def test_validation_shows_only_what_the_contract_names() -> None:
    found = decomposed(serviceType="Validation", qos={"latency": {"maxP99Microseconds": 1000}})
    assert found.service_class is ServiceClass.VALIDATION
    assert all(one.target is not None for one in found.requirements)
    assert requirement(found, "latency").target is not None


def test_raw_compute_is_no_class_of_qoais_and_keeps_its_contract() -> None:
    found = decomposed(serviceType="Compute", qos={"energy": {"maxMillijoulesPerRequest": 5}})
    assert found.service_class is None
    assert requirement(found, "energy").target == Target(AT_MOST, 0.005, "J", "Hard")


def test_every_resource_qos_is_one_that_the_vocabulary_knows() -> None:
    qos = {
        "latency": {"maxP99Microseconds": 1000},
        "accuracy": {"minBasisPoints": 7000},
        "energy": {"maxMillijoulesPerRequest": 5},
        "availability": {"minPpm": 999_000},
        "bandwidth": {"maxJitterMicroseconds": 5, "minReliabilityPpm": 999_000},
        "compute": {"minFlopsPerSecond": "1T"},
    }
    found = decomposed(qos=qos)
    assert all(one.name in RESOURCE_INDICATORS[one.resource] for one in found.resources)
    assert all(one.measure is not Measure.NONE for one in found.resources)


def a_qos(value: float | str, bound: str = AT_LEAST, enforcement: str = "Hard") -> ResourceQos:
    return ResourceQos(Resource.COMPUTE, "rate", Target(bound, value, "FLOP/s", enforcement), "latency")


def test_the_strictest_binds_and_hard_and_soft_stay_apart() -> None:
    assert strictest([a_qos(1.0), a_qos(3.0), a_qos(2.0)]) == (a_qos(3.0),)
    assert strictest([a_qos(1.0, AT_MOST), a_qos(3.0, AT_MOST)]) == (a_qos(1.0, AT_MOST),)
    assert strictest([a_qos("Low"), a_qos("High"), a_qos("Medium")]) == (a_qos("High"),)
    assert set(strictest([a_qos(1.0), a_qos(9.0, enforcement="Soft")])) == {a_qos(1.0), a_qos(9.0, enforcement="Soft")}


@given(st.lists(st.builds(a_qos, st.floats(0, 1e9), st.sampled_from([AT_LEAST, AT_MOST])), max_size=6))
def test_what_binds_is_asked_for_and_all_else_follows_from_it(many: list[ResourceQos]) -> None:
    kept = strictest(many)
    assert set(kept) <= set(many)
    assert strictest(kept) == kept
    floor = max((one.target.value for one in many if one.target.bound == AT_LEAST), default=None)
    assert floor == next((one.target.value for one in kept if one.target.bound == AT_LEAST), None)


@given(st.integers(1, 10_000_000), st.integers(1, 100))
def test_a_tighter_latency_never_asks_for_less(limit: int, factor: int) -> None:
    def rate(microseconds: int) -> float:
        found = decomposed(qos={"latency": {"maxP99Microseconds": microseconds}})
        (one,) = asked(found, Resource.COMPUTE, "rate")
        return float(one.target.value)

    assert rate(limit) >= rate(limit * factor)
