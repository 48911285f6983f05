"""Learns from copies that run how fast and how thrifty their nodes are, and has nodes looked at where that matters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from aif.api.aiservice import AIService
from aif.api.aiservice_status import Placement
from aif.api.computenode import ComputeNode
from aif.api.measured import DeviceCalibration
from aif.contract.answers import Row
from aif.contract.learning import DeviceKey, Learnt, Observation, matters
from aif.contract.profiles import EACH_COPY, Profile, Signal
from aif.domain.conditions import timestamp
from aif.gateways.exposition import Exposition
from aif.handlers.asking import MetricsSource, ask
from aif.scheduling.expectation import Expectation, expect

_SIGNALS: Final = (Signal.COMPUTE_SECONDS, Signal.JOULES_PER_REQUEST)

_REMEMBERED: Final = 50_000
"""Expectations that are kept; beyond that they are counted anew."""

_UNKNOWN: Final = float("nan")

CopyKey = tuple[str, str, str]
"""Namespace and name of an AIService, and a copy of it."""


class Question(NamedTuple):
    """What is asked about all copies whose services share a profile and a window."""

    profile: str
    signal: Signal
    window_seconds: int


Told = Mapping[Question, Mapping[CopyKey, float]]
"""What was answered, copy by copy."""


class Copy(NamedTuple):
    """One copy that computes on one node."""

    key: CopyKey
    node: str
    profile: str
    window_seconds: int
    expected: Expectation


class Calibrator:
    """Holds what is measured of copies against what follows from the declared figures of their nodes.

    A copy is observed once per fast window of its service, so that no request counts twice.
    """

    def __init__(
        self,
        source: MetricsSource,
        profiles: Mapping[str, Profile],
        services: Callable[[], Iterable[AIService]],
        nodes: Callable[[], Iterable[ComputeNode]],
        changed: Callable[[str], None],
        metrics: Exposition,
    ) -> None:
        self._source = source
        self._profiles = profiles
        self._services = services
        self._nodes = nodes
        self._changed = changed
        self._metrics = metrics
        self._learnt = Learnt()
        self._seen: dict[CopyKey, float] = {}
        self._expected: dict[object, Expectation] = {}
        self._told: dict[str, tuple[DeviceCalibration, ...]] = {}

    def learnt(self, node: str) -> tuple[DeviceCalibration, ...]:
        """Return what was learnt of the devices of a ComputeNode."""
        return self._told.get(node, ())

    async def tick(self, now: datetime) -> None:
        """Observe the copies whose turn it is."""
        services, nodes = list(self._services()), {node.metadata.name: node for node in self._nodes()}
        at = now.timestamp()
        due, questions = await asyncio.to_thread(self._prepare, services, nodes, at)
        answers = await ask(self._source, questions, at)
        for node in await asyncio.to_thread(self._observe, due, answers, nodes, now):
            self._changed(node)

    def _prepare(
        self, services: Iterable[AIService], nodes: Mapping[str, ComputeNode], at: float
    ) -> tuple[list[Copy], dict[Question, str]]:
        """Return the copies whose turn it is, and what is asked about them."""
        due = self._due(services, nodes, at)
        asked = sorted({Question(copy.profile, signal, copy.window_seconds) for copy in due for signal in _SIGNALS})
        texts = {
            each: self._profiles[each.profile].query(each.signal, each.window_seconds, EACH_COPY) for each in asked
        }
        return due, {question: text for question, text in texts.items() if text}

    def _due(self, services: Iterable[AIService], nodes: Mapping[str, ComputeNode], at: float) -> list[Copy]:
        """Return the copies that were not observed within their window."""
        copies = [copy for service in services for copy in self._copies(service, nodes)]
        known = {copy.key for copy in copies}
        self._seen = {key: seen for key, seen in self._seen.items() if key in known}
        return [copy for copy in copies if not 0.0 <= at - self._seen.get(copy.key, 0.0) < copy.window_seconds]

    def _copies(self, service: AIService, nodes: Mapping[str, ComputeNode]) -> Iterable[Copy]:
        profile = self._profiles.get(service.spec.metrics.profile)
        if profile is None or not profile.per_copy or Signal.COMPUTE_SECONDS not in profile.queries:
            return
        window = service.spec.evaluation.fast_window_seconds
        for placement in () if service.spec.suspend else service.status.placements:
            meta = service.metadata
            expected = self._expect(service, placement, nodes.get(placement.node))
            if expected.device:
                key = (meta.namespace, meta.name, placement.copy_id)
                yield Copy(key, placement.node, profile.name, window, expected)

    def _expect(self, service: AIService, placement: Placement, node: ComputeNode | None) -> Expectation:
        """Return what follows from the declared figures, counted once for each template and capability."""
        meta = service.metadata
        mark = (meta.uid, meta.generation, placement.copy_id, node and (node.metadata.uid, node.metadata.generation))
        if mark not in self._expected:
            if len(self._expected) > _REMEMBERED:
                self._expected.clear()
            self._expected[mark] = expect(service, placement, node)
        return self._expected[mark]

    def _observe(
        self,
        due: Iterable[Copy],
        answers: Mapping[Question, Iterable[Row]],
        nodes: Mapping[str, ComputeNode],
        now: datetime,
    ) -> list[str]:
        """Take in what was answered, and return the nodes whose status should tell of it."""
        told = {question: _by_copy(rows) for question, rows in answers.items()}
        self._learnt.watch(dict(_devices(nodes.values())))
        found = {copy.key: seen for copy in due if (seen := self._observation(copy, told)) is not None}
        self._seen |= dict.fromkeys(found, now.timestamp())
        observed = self._learnt.observe(found.values())
        names = nodes.keys() if not self._told else observed
        self._told |= {name: self._of_node(nodes[name], timestamp(now)) for name in names}
        self._told = {name: known for name, known in self._told.items() if name in nodes}
        return [node for node in observed if matters(nodes[node].status.calibration, self._told[node])]

    def _of_node(self, node: ComputeNode, now: str) -> tuple[DeviceCalibration, ...]:
        devices = sorted({device.type for device in node.spec.capability.devices})
        known = (self._learnt.told((node.metadata.name, device), now) for device in devices)
        return tuple(each for each in known if each is not None)

    def _observation(self, copy: Copy, told: Told) -> Observation | None:
        seconds, joules = (
            told.get(Question(copy.profile, signal, copy.window_seconds), {}).get(copy.key, _UNKNOWN)
            for signal in _SIGNALS
        )
        if not seconds > 0.0:
            return None
        expected = copy.expected
        self._compare(copy, seconds, joules)
        return Observation((copy.node, expected.device), expected.seconds, seconds, expected.watts * seconds, joules)

    def _compare(self, copy: Copy, seconds: float, joules: float) -> None:
        """Count how far the present prediction is off, calibrated as it is."""
        known = {each.device: each for each in self.learnt(copy.node)}.get(copy.expected.device)
        attained = known.compute.efficiency_percent / 100 if known and known.compute else 1.0
        thrift = known.power.efficiency_percent / 100 if known and known.power else 1.0
        for dimension, ratio in (
            ("latency", seconds / (copy.expected.seconds / attained)),
            ("energy", joules / (copy.expected.joules / attained / thrift)),
        ):
            if ratio == ratio:  # noqa: PLR0124 - not NaN
                self._metrics.prediction_ratio.labels(dimension).observe(ratio)


def _devices(nodes: Iterable[ComputeNode]) -> Iterable[tuple[DeviceKey, DeviceCalibration | None]]:
    for node in nodes:
        known = {each.device: each for each in node.status.calibration}
        for device in node.spec.capability.devices:
            yield (node.metadata.name, device.type), known.get(device.type)


def _by_copy(rows: Iterable[Row]) -> dict[CopyKey, float]:
    """Return the value of each copy; one that two rows tell of is unknown."""
    told: dict[CopyKey, float] = {}
    for row in rows:
        labels = row.labels
        key = (labels.get("namespace", ""), labels.get("aiservice", ""), labels.get("copy", ""))
        told[key] = _UNKNOWN if key in told else row.value
    return told
