"""Asks exporters how busy pods and nodes are, tick by tick, and has those looked at whose alarms changed."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import isnan, nan
from typing import Final, NamedTuple

from aif.api.aiservice import AIService
from aif.api.computenode import CPU, ComputeNode
from aif.contract.alarms import Phase
from aif.contract.answers import Row
from aif.contract.pressure import Level, Pressure, Reading, as_share, believed, judge, recorded, settled, worst
from aif.contract.resources import SAMPLED_AT, Asked, Scope, Unit
from aif.contract.telemetry import NodeReading, hearing
from aif.domain.cluster import Pod
from aif.domain.conditions import Verdict
from aif.gateways.exposition import Exposition
from aif.handlers.asking import MetricsSource, ask
from aif.planning.energy import draw
from aif.reconcile.node_measured import telemetry

POWER: Final = "power"
"""Resource that the power model tells where no exporter does."""

_MODEL_FROM: Final = CPU
"""Resource of a node by which the power model counts."""


class Question(NamedTuple):
    """What is asked: a resource, or when a profile's rows were sampled."""

    profile: str
    scope: Scope
    resource: str


Values = Mapping[tuple[Scope, str], Mapping[tuple[str, ...], float]]
"""Believed values of each resource, by pod or by Node."""


class Found(NamedTuple):
    """What one look found.

    Attributes:
        services: Pressures on services, by uid.
        nodes: Readings of ComputeNodes.
        pods: What each pod draws or sends, for resources without levels too, by resource.
    """

    services: dict[str, tuple[Pressure, ...]]
    nodes: dict[str, NodeReading]
    pods: dict[str, Mapping[tuple[str, ...], float]]


class Look(NamedTuple):
    """The world at one look, as lists that nobody changes meanwhile."""

    services: Sequence[AIService]
    nodes: Sequence[ComputeNode]
    pods: Sequence[Pod]
    at: float


class ResourceWatcher:
    """Keeps the alarms on resources of services and nodes.

    Attributes:
        found: What the last look found.
    """

    def __init__(
        self,
        source: MetricsSource,
        asked: Sequence[Asked],
        world: Callable[[float], Look],
        changed: Callable[[AIService | ComputeNode], None],
        metrics: Exposition,
    ) -> None:
        self._source = source
        self._asked = asked
        self._world = world
        self._changed = changed
        self._metrics = metrics
        self._alarms: dict[Level, tuple[Phase, float]] = {}
        self._heard: dict[str, float] = {}
        self._known: set[str] = set()
        self.found = Found({}, {}, {})

    def pressures(self, uid: str) -> tuple[Pressure, ...] | None:
        """Return what presses on the pods of a service; None where it was not looked at."""
        return self.found.services.get(uid)

    def reading(self, node: str) -> NodeReading | None:
        """Return what exporters tell of a ComputeNode; None where it was not looked at."""
        return self.found.nodes.get(node)

    async def tick(self, now: datetime) -> None:
        """Look at all resources once."""
        answers = await ask(self._source, self._questions(), now.timestamp())
        look = self._world(now.timestamp())
        self.found, changed = await asyncio.to_thread(self._judge, look, answers)
        for each in changed:
            self._changed(each)
        raised = Counter(level.resource for level, (phase, _) in self._alarms.items() if phase is Phase.RAISED)
        for resource in {asked.query.resource for asked in self._asked if asked.query.raise_percent is not None}:
            self._metrics.resource_alarms.labels(resource).set(raised[resource])

    def _questions(self) -> dict[Question, str]:
        questions: dict[Question, str] = {}
        for profile, query in self._asked:
            questions[Question(profile.name, query.scope, query.resource)] = query.text
            questions[Question(profile.name, query.scope, SAMPLED_AT)] = profile.times(query.scope)
        return questions

    def _judge(
        self, look: Look, answers: Mapping[Question, Sequence[Row]]
    ) -> tuple[Found, list[AIService | ComputeNode]]:
        values = self._values(answers, look.at)
        self._restore(look)
        readings = [*self._of_services(look, values), *self._of_nodes(look, values)]
        pressures, found = judge(readings, self._alarms, look.at)
        del found
        self._alarms = {level: (each.phase, each.since) for level, each in pressures.items() if each.phase}
        by_subject: defaultdict[str, list[Pressure]] = defaultdict(list)
        for level, each in pressures.items():
            by_subject[level.subject].append(each)
        services = {service.metadata.uid: tuple(by_subject[service.metadata.uid]) for service in look.services}
        answered = any(question.scope is Scope.NODE and question in answers for question in self._questions())
        nodes = {
            node.metadata.name: self._node(node, values, by_subject, look.at, answered=answered) for node in look.nodes
        }
        pods = {
            asked.query.resource: values[Scope.POD, asked.query.resource]
            for asked in self._asked
            if asked.query.scope is Scope.POD
        }
        after = Found(services, nodes, pods)
        return after, list(_changed(look, after))

    def _values(self, answers: Mapping[Question, Sequence[Row]], at: float) -> Values:
        """Return what can be believed; what was not answered is as if nobody told it."""
        found = {}
        for profile, query in self._asked:
            rows = answers.get(Question(profile.name, query.scope, query.resource), ())
            times = answers.get(Question(profile.name, query.scope, SAMPLED_AT), ())
            found[query.scope, query.resource] = believed(rows, times, query.scope, at)
        return found

    def _restore(self, look: Look) -> None:
        """Take over what a predecessor recorded of those that are seen for the first time."""
        present: set[str] = set()
        for service in look.services:
            present.add(service.metadata.uid)
            if service.metadata.uid not in self._known:
                self._alarms |= recorded(service.metadata.uid, service.status.resources)
        for node in look.nodes:
            name = node.metadata.name
            present.add(name)
            if name not in self._known:
                self._alarms |= recorded(name, node.status.resources)
                if any(each.type == "TelemetryFresh" and each.status != "Unknown" for each in node.status.conditions):
                    self._heard[name] = look.at
        self._known = present
        self._heard = {name: at for name, at in self._heard.items() if name in present}

    def _of_services(self, look: Look, values: Values) -> Iterator[Reading]:
        """Yield the use of each resource by each service: that of its busiest pod."""
        pods: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for pod in look.pods:
            if pod.service:
                pods[pod.namespace, pod.service].append((pod.namespace, pod.name))
        for service in look.services:
            meta = service.metadata
            own = pods.get((meta.namespace, meta.name), ())
            for _, query in self._levels(Scope.POD):
                told = values[Scope.POD, query.resource]
                level, share = Level(meta.uid, query.resource), worst(told.get(pod, nan) for pod in own)
                if level in self._alarms or not isnan(share):
                    yield Reading(level, share, query, query.estimated)

    def _of_nodes(self, look: Look, values: Values) -> Iterator[Reading]:
        for node in look.nodes:
            host, full = (node.spec.node_name or "",), _full_watts(node)
            for _, query in self._levels(Scope.NODE):
                level, value = (
                    Level(node.metadata.name, query.resource),
                    values[Scope.NODE, query.resource].get(host, nan),
                )
                share, estimated = as_share(value, query, full), query.estimated
                if isnan(share) and query.resource == POWER and query.unit is Unit.WATTS:
                    share, estimated = _modelled(node, values, host), True
                if level in self._alarms or not isnan(share):
                    yield Reading(level, share, query, estimated)

    def _levels(self, scope: Scope) -> Iterator[Asked]:
        return (each for each in self._asked if each.query.scope is scope and each.query.raise_percent is not None)

    def _node(
        self,
        node: ComputeNode,
        values: Values,
        pressures: Mapping[str, Sequence[Pressure]],
        at: float,
        *,
        answered: bool,
    ) -> NodeReading:
        name, host = node.metadata.name, (node.spec.node_name or "",)
        told = any(host in rows for (scope, _), rows in values.items() if scope is Scope.NODE)
        if told or not answered:  # of a silence that Prometheus itself caused nobody is to blame
            self._heard |= {name: at} if told or name in self._heard else {}
        heard = hearing(answered=answered, told=told, heard_at=self._heard.get(name), now=at)
        own = tuple(pressures.get(name, ()))
        load = worst(each.reading.share for each in own if each.reading.level.resource in _DEVICES)
        return NodeReading(heard, own, load, at)


_DEVICES: Final = frozenset({CPU, "gpu"})
"""Resources that are the use of a device."""


def _full_watts(node: ComputeNode) -> float:
    """Return the power of all devices under full load."""
    devices = node.spec.capability.devices
    return float(sum(each.power.max_watts * (1 if each.type == CPU else each.count) for each in devices if each.power))


def _modelled(node: ComputeNode, values: Values, host: tuple[str, ...]) -> float:
    """Return the power of the CPU by the power model, as a share of its full power; NaN where its load is unknown."""
    power, rows = node.cpu.power if node.cpu else None, values.get((Scope.NODE, _MODEL_FROM), {})
    if (
        power is None
        or host not in rows
        or any(each.type != CPU and each.power for each in node.spec.capability.devices)
    ):
        return nan
    return float(draw(power.idle_watts, power.max_watts, rows[host])) / power.max_watts


def _changed(look: Look, found: Found) -> Iterator[AIService | ComputeNode]:
    """Yield those whose status no longer tells what was found."""
    for service in look.services:
        rows = service.status.resources
        if settled(rows, found.services[service.metadata.uid]) != rows:
            yield service
    for node in look.nodes:
        reading, status = found.nodes[node.metadata.name], node.status
        if settled(status.resources, reading.pressures) != status.resources or _told(node) != _fresh(reading):
            yield node


def _told(node: ComputeNode) -> tuple[str, str]:
    said: Iterable[tuple[str, str]] = (
        (each.status, each.reason) for each in node.status.conditions if each.type == _FRESH
    )
    return next(iter(said), ("", ""))


def _fresh(reading: NodeReading) -> tuple[str, str]:
    verdict: Verdict = telemetry(reading)
    return verdict.status, verdict.reason


_FRESH: Final = "TelemetryFresh"
