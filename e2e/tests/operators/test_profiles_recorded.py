"""Every query of every profile that comes along is answered by a real Prometheus that scraped the published names."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import prometheus_server
import pytest
import recorded
from prometheus_server import Prometheus, Target, Traffic
from rest import eventually

from aif.contract.profiles import EACH_COPY, Signal
from aif.gateways.prometheus.profiles import load, load_resources

PROFILES: Final = load()
ASKED: Final = load_resources()
WHO: Final = {"namespace": "team", "aiservice": "plates", "copy": "1"}
NODE: Final = {"node": "worker-1"}
EXPORTER: Final = {**NODE, "namespace": "monitoring", "pod": "exporter-0"}
"""Labels of an exporter that is a pod itself; those of the pods that it tells of come as exported_."""

LABELS: Final = {"cadvisor": NODE, "kepler": EXPORTER, "node-exporter": EXPORTER, "dcgm-exporter": EXPORTER}

VALUES: Final = {
    ("aif-runtime", Signal.REQUEST_SECONDS): 0.010,
    ("aif-runtime", Signal.COMPUTE_SECONDS): 0.004,
    ("aif-runtime", Signal.SUCCESS_SHARE): 0.99,
    ("aif-runtime", Signal.JOULES_PER_REQUEST): 1.5,
    ("vllm", Signal.COMPUTE_SECONDS): 0.7,
    ("vllm", Signal.SUCCESS_SHARE): 0.9,
    ("triton", Signal.REQUEST_SECONDS): 0.012,
    ("triton", Signal.COMPUTE_SECONDS): 0.008,
    ("triton", Signal.SUCCESS_SHARE): 0.95,
    ("triton", Signal.JOULES_PER_REQUEST): 2.0,
    ("kserve", Signal.COMPUTE_SECONDS): 0.008,
    ("envoy-gateway", Signal.SUCCESS_SHARE): 0.98,
}
RESOURCES: Final = {
    ("Pod", "cpu"): 0.95,
    ("Pod", "memory"): 0.9,
    ("Pod", "network"): 0.005,
    ("Pod", "traffic"): 750_000,
    ("Node", "cpu"): 0.5,
    ("Node", "memory"): 0.5,
    ("Pod", "gpu"): 0.75,
    ("Pod", "gpu-memory"): 0.25,
    ("Node", "gpu"): 0.75,
    ("Node", "gpu-memory"): 0.25,
    ("Node", "link"): 0.8,
    ("Pod", "power"): 30,
    ("Node", "power"): 120,
}
"""What follows from the recorded increments per second."""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that scrapes every recording."""
    traffic = Traffic()
    traffic.pages = {("recorded", name): recorded.growing(name) for name in recorded.names()}
    with prometheus_server.running(tmp_path_factory.mktemp("prometheus"), traffic) as server:
        server.scrape(*map(_target, recorded.names()))
        eventually(lambda: len(server.query("count_over_time(up[60s]) > 12")) == len(recorded.names()), "scraped", 120)
        yield server


def _target(name: str) -> Target:
    """Return where a recording is, with a label of its own, so that no two targets have the same series."""
    return Target(f"/recorded/{name}", {"recording": name, **LABELS.get(name, WHO)})


def only(prometheus: Prometheus, query: str) -> tuple[dict[str, str], float]:
    """Return labels and value of the only row, once it is there."""

    def row() -> tuple[dict[str, str], float]:
        (found,) = prometheus.query(query)
        value = float(found["value"][1])
        assert math.isfinite(value), query
        return found["metric"], value

    return eventually(row, f"one row of {query}")


def test_each_profile_and_exporter_has_a_recording() -> None:
    assert set(recorded.names()) == {*PROFILES, *(asked.profile.name for asked in ASKED)}


@pytest.mark.parametrize(
    ("name", "signal"), [(name, signal) for name, profile in PROFILES.items() for signal in profile.queries]
)
def test_a_metric_profile_is_answered(prometheus: Prometheus, name: str, signal: Signal) -> None:
    profile = PROFILES[name]
    by = EACH_COPY if profile.per_copy else "namespace, aiservice"
    query = profile.query(signal, 10, by)
    assert query is not None
    if signal is Signal.BUCKETS:
        assert {row["metric"]["aiservice"] for row in prometheus.query(query)} == {"plates"}
        return
    labels, value = only(prometheus, query)
    assert {name: text for name, text in WHO.items() if name in by} == labels
    if (name, signal) in VALUES:
        assert value == pytest.approx(VALUES[name, signal], rel=0.05)


@pytest.mark.parametrize(("scope", "resource"), [(str(asked.query.scope), asked.query.resource) for asked in ASKED])
def test_a_resource_profile_is_answered_with_its_time(prometheus: Prometheus, scope: str, resource: str) -> None:
    (profile, query) = next(a for a in ASKED if (str(a.query.scope), a.query.resource) == (scope, resource))
    about = {"namespace": "team", "pod": "plates-0"} if scope == "Pod" else NODE
    labels, value = only(prometheus, query.model_copy(update={"window_seconds": 10}).text)
    assert labels == about
    assert value == pytest.approx(RESOURCES[scope, resource], rel=0.15), "rates are as exact as scrapes are on time"
    assert about in [row["metric"] for row in prometheus.query(profile.times(query.scope))]
