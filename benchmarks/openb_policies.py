"""Policies that place a pod on a cluster: the operator's packing score, and peers from their public description."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from openb_cluster import WHOLE, Cluster, Ints, Pods

from aif.api.aiservice import AIService
from aif.domain.policy import Policy as Configured
from aif.planning.placement.packing import Mix, Requests, Room, graded, preference
from aif.scheduling.weights import weights

Floats = NDArray[np.float64]
LARGEST: Final = (128_000.0, 8000.0)
"""Thousandths of cores and devices of the largest node, by which BestFit and DotProd are scaled."""
OPERATOR: Final = Configured()
TEMPLATE: Final = {
    "metadata": {"name": "pod", "namespace": "openb", "uid": "pod"},
    "spec": {"serviceType": "Inference", "model": {"name": "any"}, "workload": {"image": "any"}},
}
"""A service that asks for nothing but what its pods request."""
TYPICAL: Final = 0.95
"""Share of the pods that the kinds which FGD looks at stand for."""


class Policy(Protocol):
    """Chooses nodes."""

    def choose(self, kind: int) -> tuple[int, int] | None:
        """Return node and device for a pod of that class; None where it fits nowhere."""
        ...

    def changed(self, node: int) -> None:
        """Hear that what is free on ``node`` is no longer the same."""
        ...


class Scored:
    """A policy that gives every node a score per class; kept, since only the node that was taken changes.

    Equal scores go to the first node by name, as in the artefact.
    """

    def __init__(self, cluster: Cluster, pods: Pods, draw: np.random.Generator) -> None:
        self.cluster, self.pods, self.draw = cluster, pods, draw
        self.scores: Floats = np.full((len(pods.cores), len(cluster.cores)), -np.inf)
        self.devices: Ints = np.zeros(self.scores.shape, dtype=np.int64)
        self.prepare()
        self.renew()

    def prepare(self) -> None:
        """Learn what may be known in advance."""

    def choose(self, kind: int) -> tuple[int, int] | None:
        """As `Policy` says."""
        node = int(self.scores[kind].argmax())
        return None if self.scores[kind, node] == -np.inf else (node, int(self.devices[kind, node]))

    def changed(self, node: int) -> None:
        """As `Policy` says."""
        self.scores[:, node], self.devices[:, node] = self.column(node)

    def renew(self) -> None:
        """Score every node; nodes in the same state share the work."""
        here = self.cluster
        states = np.column_stack([here.cores, here.memory, here.model, here.devices])
        _, first, state = np.unique(states, axis=0, return_index=True, return_inverse=True)
        columns = [self.column(int(node)) for node in first]
        self.scores = np.stack([scores for scores, _ in columns], axis=1)[:, state.ravel()]
        self.devices = np.stack([devices for _, devices in columns], axis=1)[:, state.ravel()]

    def column(self, node: int) -> tuple[Floats, Ints]:
        """Return the score of ``node`` for each class, and the device that a share of one would come from."""
        scores, devices = np.full(len(self.pods.cores), -np.inf), np.zeros(len(self.pods.cores), dtype=np.int64)
        rows = self.cluster.fitting(self.pods, node)
        if len(rows):
            row, device, left = self.options(node, rows)
            worth = np.full((len(rows), self.cluster.devices.shape[1]), -np.inf)
            worth[row, device] = self.score(node, rows[row], left)
            best = self.order(node)[worth[:, self.order(node)].argmax(axis=1)]
            scores[rows], devices[rows] = worth[np.arange(len(rows)), best], best
        return scores, devices

    def options(self, node: int, rows: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the ways to place a pod: place in ``rows``, device, and the devices that would be left."""
        free, pods = self.cluster.devices[node], self.pods
        shared = pods.sharing[rows]
        _, distinct = np.unique(free, return_index=True)
        possible = np.zeros((len(rows), len(free)), dtype=np.bool_)
        possible[:, distinct] = shared[:, None] & (free[distinct] >= pods.share[rows][:, None])
        possible[~shared, 0] = True
        row, device = np.nonzero(possible)
        left = np.repeat(free[None], len(row), axis=0)
        left[np.arange(len(row)), device] -= np.where(shared[row], pods.share[rows[row]], 0)
        fullest = np.argsort(free, kind="stable")
        able = free[fullest] >= pods.share[rows][row][:, None]
        taken = able & (np.cumsum(able, axis=1) <= np.where(shared, 0, pods.count[rows])[row][:, None])
        left[:, fullest] -= np.where(taken, pods.share[rows][row][:, None], 0)
        return row, device, left

    def order(self, node: int) -> Ints:
        """Return the devices in the order in which equal ones are taken: the fullest that will do first."""
        return np.argsort(self.cluster.devices[node], kind="stable")

    def score(self, node: int, kinds: Ints, left: Ints) -> Floats:
        """Return how good it is to place pods of ``kinds`` on ``node`` so that ``left`` of its devices is left."""
        raise NotImplementedError

    def rooms(self, node: int, kinds: Ints, left: Ints) -> tuple[Room, Room]:
        """Return the room of ``node`` before and after, in cores and devices."""
        here, model = self.cluster, self.cluster.model
        before = Room(here.cores[[node]] / 1000, here.devices[[node]] / WHOLE, model[[node]])
        after = Room(
            (here.cores[node] - self.pods.cores[kinds]) / 1000, left / WHOLE, np.repeat(model[node], len(kinds))
        )
        return before, after

    def mix(self, weight: Floats) -> Mix:
        """Return the mix in which each class weighs so much."""
        pods = self.pods
        return Mix.of(Requests(pods.cores / 1000, pods.share / WHOLE, pods.count, weight, pods.models))


class Aif(Scored):
    """The packing score of the operator, over the mix of the whole list, which FGD knows too."""

    def prepare(self) -> None:
        """Count the whole list."""
        self.known = self.mix(np.bincount(self.pods.kind, minlength=len(self.pods.cores)).astype(np.float64))
        self.template = AIService.model_validate(TEMPLATE)
        largest = self.cluster.devices.sum(axis=1).max()
        self.largest = float(self.cluster.cores.max()) / 1000, float(largest) / WHOLE

    def score(self, node: int, kinds: Ints, left: Ints) -> Floats:
        """The weighted mean of the operator's terms, rounded as there.

        A pod with neither contract nor link, on nodes without price or age, leaves packing alone to be weighed: of the
        others none has a figure where a node has devices.
        """
        before, after = self.rooms(node, kinds, left)
        shares = weights(self.template, OPERATOR, {"packing"})
        return np.round(shares["packing"] * graded(preference(self.known, before, after, self.largest)), 6)


class AifOnline(Aif):
    """As `Aif`, over the mix of what has arrived so far."""

    def prepare(self) -> None:
        """Know nothing of what will come: as if all asked for one whole device."""
        super().prepare()
        every = np.ones((1, self.pods.models.shape[1]), dtype=np.bool_)
        self.seen = np.zeros(len(self.pods.cores))
        self.known = Mix.of(Requests(np.zeros(1), np.ones(1), np.ones(1, dtype=np.int64), np.ones(1), every))

    def choose(self, kind: int) -> tuple[int, int] | None:
        """As `Policy` says; the mix is looked at again whenever twice as many pods have come."""
        self.seen[kind] += 1
        arrived = int(self.seen.sum())
        if arrived & (arrived - 1) == 0 and self.pods.count[self.seen > 0].any():
            self.known = self.mix(self.seen)
            self.renew()
        return super().choose(kind)


class Fgd(Scored):
    """Fragmentation gradient descent over the kinds that 95 % of the list are of, in whole points of a sigmoid."""

    def prepare(self) -> None:
        """Count the whole list."""
        pods = self.pods
        weight = np.bincount(pods.kind, minlength=len(pods.cores)).astype(np.float64)
        kinds = [(pods.cores[one], pods.share[one], pods.count[one], *pods.models[one]) for one in range(len(weight))]
        counts: Counter[tuple[int, ...]] = Counter()
        for kind, times in zip(kinds, weight, strict=True):
            counts[kind] += times
        typical, share = set(), 0.0
        for kind, times in sorted(counts.items(), key=lambda item: (item[1], item[0]), reverse=True):
            if share >= TYPICAL * len(pods.kind):
                break
            typical.add(kind)
            share += times
        self.known = self.mix(weight * np.array([kind in typical for kind in kinds]))

    def order(self, node: int) -> Ints:  # noqa: ARG002 - the same on every node
        """Return the devices in their own order."""
        return np.arange(self.cluster.devices.shape[1])

    def score(self, node: int, kinds: Ints, left: Ints) -> Floats:
        """As in the artefact, rounded so that sums of binary fractions which are equal count as equal."""
        before, after = self.rooms(node, kinds, left)
        less = np.round(self.known.fragmentation(before) - self.known.fragmentation(after), 9)
        return np.asarray(np.floor(100.0 / (1.0 + np.exp(-less))))


class BestFit(Scored):
    """The node on which the least is left."""

    def score(self, node: int, kinds: Ints, left: Ints) -> Floats:
        """Half of the cores and half of the devices left, of those of the largest node."""
        cores = (self.cluster.cores[node] - self.pods.cores[kinds]) / LARGEST[0]
        return np.asarray(np.floor(100.0 * (1.0 - 0.5 * (cores + left.sum(axis=1) / LARGEST[1]))))


class DotProd(Scored):
    """The node whose free vector has the smallest product with the request (Tetris)."""

    def score(self, node: int, kinds: Ints, left: Ints) -> Floats:  # noqa: ARG002 - looks at what is free before
        """One less half of the product, each side scaled by the largest node."""
        here, pods = self.cluster, self.pods
        cores = here.cores[node] * pods.cores[kinds] / LARGEST[0] ** 2
        devices = here.devices[node].sum() * pods.devices[kinds] / LARGEST[1] ** 2
        return np.asarray(np.floor(100.0 * (1.0 - 0.5 * (cores + devices))))


class Random(Scored):
    """Any node that fits, and of it any device that does."""

    def choose(self, kind: int) -> tuple[int, int] | None:
        """As `Policy` says."""
        nodes = np.flatnonzero(self.scores[kind] > -np.inf)
        if not len(nodes):
            return None
        node = int(self.draw.choice(nodes))
        fitting = np.flatnonzero(self.cluster.devices[node] >= self.pods.share[kind])
        return node, int(self.draw.choice(fitting)) if len(fitting) else 0

    def score(self, node: int, kinds: Ints, left: Ints) -> Floats:  # noqa: ARG002 - looks at nothing
        """All alike."""
        return np.zeros(len(kinds))


POLICIES: Final[MappingProxyType[str, Callable[[Cluster, Pods, np.random.Generator], Policy]]] = MappingProxyType(
    {"aif": Aif, "aif-online": AifOnline, "fgd": Fgd, "bestfit": BestFit, "dotprod": DotProd, "random": Random}
)
