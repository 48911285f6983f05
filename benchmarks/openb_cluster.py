"""Lists of nodes and pods in the format of the openb trace, and a cluster whose devices are shared in thousandths."""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Host = tuple[str, int, int, int, str]
"""Name, thousandths of cores, MiB, devices and their model."""
Asked = tuple[int, int, int, int, str]
"""Thousandths of cores, MiB, devices, thousandths of each, and the models that will do."""
WHOLE: Final = 1000
"""Thousandths of a device."""


class BadList(Exception):
    """A list cannot be read; the message names file, line and column."""


@dataclass(frozen=True, slots=True, eq=False)
class Pods:
    """Arrivals: the class of each, and what a pod of each class asks for.

    Attributes:
        kind: Class of each arrival.
        cores, memory, count, share: Thousandths of cores, MiB, devices, thousandths of each device; by class.
        models: Which models will do, shape (classes, models).
    """

    kind: Ints
    cores: Ints
    memory: Ints
    count: Ints
    share: Ints
    models: Flags

    @property
    def sharing(self) -> Flags:
        """Which classes ask for a part of one device."""
        return np.asarray((self.count == 1) & (self.share < WHOLE))

    @property
    def devices(self) -> Ints:
        """Thousandths of devices that each class asks for in all."""
        return self.count * self.share


@dataclass(slots=True, eq=False)
class Cluster:
    """What is free on n nodes, in the order of their names; changed by `take`.

    Attributes:
        cores, memory: As in `Pods`.
        devices: Thousandths of each device, shape (n, most devices of a node).
        model: Model of each node's devices; the last one for nodes without.
        capacity: Thousandths of devices there are.
    """

    cores: Ints
    memory: Ints
    devices: Ints
    model: Ints
    capacity: int

    def copy(self) -> Cluster:
        """Return a cluster of one's own."""
        return Cluster(self.cores.copy(), self.memory.copy(), self.devices.copy(), self.model, self.capacity)

    def fitting(self, pods: Pods, node: int) -> Ints:
        """Return the classes of which a pod fits on ``node``."""
        free = self.devices[node]
        fits = (pods.cores <= int(self.cores[node])) & (pods.memory <= int(self.memory[node]))
        enough = np.count_nonzero(free >= np.maximum(pods.share, 1)[:, None], axis=1) >= pods.count
        able = pods.models[:, self.model[node]] | (pods.count == 0)
        return np.asarray(np.flatnonzero(fits & enough & able))

    def after(self, pods: Pods, node: int, kind: int, device: int) -> Ints:
        """Return the devices of ``node`` once a pod of that class is there; on ``device`` where it shares one."""
        left = self.devices[node].copy()
        if pods.sharing[kind]:
            left[device] -= pods.share[kind]
        else:
            fullest = np.argsort(left, kind="stable")
            left[fullest[left[fullest] >= pods.share[kind]][: pods.count[kind]]] -= pods.share[kind]
        return np.asarray(left)

    def take(self, pods: Pods, node: int, kind: int, device: int) -> None:
        """Place a pod."""
        if pods.count[kind]:
            self.devices[node] = self.after(pods, node, kind, device)
        self.cores[node] -= pods.cores[kind]
        self.memory[node] -= pods.memory[kind]


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
            raise BadList(f"{path}: has no column {missing[0]}; needed are {', '.join(columns)}")
        yield from enumerate(reader, start=2)


def _number(path: Path, line: int, row: dict[str, str], name: str, most: int = 10**12) -> int:
    try:
        value = int(row[name] or 0)
    except (TypeError, ValueError):
        value = -1
    if not 0 <= value <= most:
        raise BadList(f"{path}:{line}: {name} must be a whole number from 0 to {most}, not {row[name]!r}")
    return value


def read(nodes: Path, pods: Path) -> tuple[Cluster, Pods]:
    """Return the empty cluster of ``nodes``, and the arrivals of ``pods``.

    Raises:
        BadList: A list does not have the format.
        OSError: A file cannot be read.
    """
    hosts: list[Host] = []
    for line, row in _rows(nodes, ("sn", "cpu_milli", "memory_mib", "gpu", "model")):
        cores, memory = (_number(nodes, line, row, name) for name in ("cpu_milli", "memory_mib"))
        hosts.append((row["sn"], cores, memory, _number(nodes, line, row, "gpu", 64), row["model"] or ""))
    asked: list[Asked] = []
    for line, row in _rows(pods, ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli")):
        cores, memory = (_number(pods, line, row, name) for name in ("cpu_milli", "memory_mib"))
        count = _number(pods, line, row, "num_gpu", 64)
        share = _number(pods, line, row, "gpu_milli", WHOLE) if count else 0
        if count and not share:
            raise BadList(f"{pods}:{line}: gpu_milli must be from 1 to {WHOLE} where num_gpu is {count}, not 0")
        asked.append(
            (cores, memory, count, share, "|".join(sorted(filter(None, (row.get("gpu_spec") or "").split("|")))))
        )
    if not hosts or not asked:
        raise BadList(f"{pods if hosts else nodes}: holds no row")
    if not any(host[3] for host in hosts):
        raise BadList(f"{nodes}: no node has a gpu, so there is nothing to allocate")
    return _cluster(hosts, asked)


def _cluster(hosts: list[Host], asked: list[Asked]) -> tuple[Cluster, Pods]:
    hosts = sorted(hosts)
    models = sorted({host[4] for host in hosts} - {""})
    columns = np.array([host[1:4] for host in hosts], dtype=np.int64)
    count = columns[:, 2]
    devices = np.where(np.arange(max(1, count.max())) < count[:, None], WHOLE, 0)
    model = np.array([models.index(host[4]) if host[4] else len(models) for host in hosts])
    classes = sorted(set(asked))
    place = {one: at for at, one in enumerate(classes)}
    able = [[not one[4] or name in one[4].split("|") for name in (*models, "")] for one in classes]
    figures = np.array([one[:4] for one in classes], dtype=np.int64)
    kind = np.array([place[one] for one in asked])
    cores, memory, number, share = figures.T
    pods = Pods(kind, cores, memory, number, share, np.array(able, dtype=np.bool_))
    return Cluster(columns[:, 0].copy(), columns[:, 1].copy(), devices, model, int(count.sum()) * WHOLE), pods


def synthetic(seed: int = 7) -> tuple[Cluster, Pods]:
    """Return a small cluster and arrivals in its like, for where there is no trace at hand."""
    draw = np.random.default_rng(seed)
    sizes = ((96_000, 393_216, 8, "big"), (104_000, 524_288, 2, "small"), (16_000, 122_880, 2, "old"))
    picked = draw.choice(len(sizes), 120, p=[0.55, 0.35, 0.1])
    hosts = [(f"node-{number:04}", *sizes[size]) for number, size in enumerate(picked)]
    shapes = ((8000, 0, 0), (4000, 1, 250), (6000, 1, 460), (8000, 1, 500), (12_000, 1, 1000), (24_000, 2, 1000))
    chosen = draw.choice(len(shapes) + 1, 900, p=[0.2, 0.12, 0.13, 0.1, 0.35, 0.05, 0.05])
    every = (*shapes, (88_000, 8, 1000))
    asked = [(every[one][0], 2 * every[one][0], every[one][1], every[one][2], "") for one in chosen]
    return _cluster(hosts, asked)


def load(nodes: Path | None, pods: Path | None) -> tuple[Cluster, Pods, str]:
    """Return cluster, arrivals, and where they come from: the lists, or the generator where none is named.

    Raises:
        BadList: Only one of the two is named.
        OSError: One that is named is not there.
    """
    if nodes is None and pods is None:
        print("no lists given: a synthetic cluster is used", file=sys.stderr)
        return *synthetic(), "synthetic"
    if nodes is None or pods is None:
        raise BadList(f"{'--nodes' if nodes is None else '--pods'} is missing: name both lists, or none")
    return *read(nodes, pods), pods.name
