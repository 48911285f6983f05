"""Alarms of services on simulated nodes, whose requests turn slow at times of their own."""

from __future__ import annotations

import os
import random
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import network
import operator_account
import prometheus_server
from kubectl import Kubectl
from operator_process import Operators
from prometheus_api_client import PrometheusConnect
from prometheus_server import Prometheus, Traffic
from rest import Rest, eventually
from services import Services

from cluster import api
from cluster.choose import Asked
from cluster.progress import Steps
from cluster.record import Provider
from moving.breach import Rule, Story, alarmed, met, watching
from moving.timers import Timers

_FAST, _SLOW, _TARGET_MS = 0.010, 0.200, 100
_SPREAD_S: Final = 6.0
_PATIENCE_S: Final = 180.0
_NAMESPACE: Final = "breaches"


def measure(services: int, rounds: int, timers: Timers, steps: Steps) -> list[float]:
    """Return the seconds from each breach to its alarm, of all services in all rounds."""
    name = f"bench-alarms-{os.getpid()}"
    with ExitStack() as stack:
        with steps.run("Start a control plane with simulated nodes"):
            cluster = api.up(name, wish=Asked(provider=Provider.EMBEDDED))
        stack.callback(api.down, name)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="breaches-")))
        kubectl, rest = Kubectl(cluster), Rest.to(cluster)
        operator_account.install_kinds(kubectl)
        operator_account.install(kubectl)
        network.build(cluster, rest)
        kubectl("create", "namespace", _NAMESPACE)
        traffic = Traffic()
        prometheus = stack.enter_context(prometheus_server.running(folder, traffic))
        operators = Operators(kubectl, folder)
        stack.callback(operators.end_all)
        operators.start_leading(AIF_PROMETHEUS_URL=prometheus.url, AIF_EVALUATION_SECONDS=str(timers.tick))
        names = [f"plates-{number:03}" for number in range(services)]
        tenant = Services(rest, _NAMESPACE)
        with steps.run(f"Place {services} services"):
            _serve(tenant, names, traffic, prometheus, timers)
        story = stack.enter_context(watching(kubectl, _NAMESPACE))
        found: list[float] = []
        for number in range(rounds):
            with steps.run(f"Round {number + 1} of {rounds}: {services} contracts are broken"):
                found += _round(tenant, names, traffic, prometheus, story, number)
    return found


def _serve(tenant: Services, names: list[str], traffic: Traffic, prometheus: Prometheus, timers: Timers) -> None:
    small = {**network.VGG16, "flopsPerRequest": "100M", "memoryTrafficBytesPerRequest": "10M"}
    # A person is asked before a move: only the alarm is measured here.
    alone = {"level": "Manual"}
    for name in names:
        spec = network.within(_TARGET_MS) | {"model": small, "evaluation": timers.evaluation()}
        tenant.apply(network.a_service(name, **spec))
        traffic.serve(name, _FAST, _NAMESPACE)
    prometheus.watch(*((_NAMESPACE, name) for name in names))
    for name in names:
        tenant.await_condition(name, "QoSMet", "True", within_s=_PATIENCE_S)
        tenant.patch(name, {"autonomy": alone})


def _round(
    tenant: Services, names: list[str], traffic: Traffic, prometheus: Prometheus, story: Story, number: int
) -> list[float]:
    """Break every contract once, at a time of its own; then keep all of them again."""
    draw, turned = random.Random(number), dict[str, float]()  # noqa: S311 - no secret
    for name in names:
        time.sleep(draw.uniform(0, 2 * _SPREAD_S / len(names)))
        turned[name] = time.time()
        traffic.serve(name, _SLOW, _NAMESPACE)
    when = {
        name: eventually(partial(story.first, name, alarmed, turned[name]), f"alarm of {name}", _PATIENCE_S)
        for name in names
    }
    client, seconds = PrometheusConnect(prometheus.url, timeout=10), list[float]()
    for name in names:
        broken = Rule.of(tenant.get(name)).first_broken(client, turned[name], when[name])
        assert broken is not None, f"{name} has an alarm without a breach"  # noqa: S101
        seconds.append(when[name] - broken)
    for name in names:
        traffic.serve(name, _FAST, _NAMESPACE)
    again = time.time()
    for name in names:
        eventually(partial(story.first, name, met, again), f"{name} is kept again", _PATIENCE_S)
    return seconds
