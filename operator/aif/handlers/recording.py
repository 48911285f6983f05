"""Records every decision together with all that it was made from, so that `aif simulate` can make it again."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import orjson

from aif import __version__
from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.api.trainingjob import TrainingJob
from aif.domain.policy import Policy
from aif.gateways.exposition import Exposition
from aif.gateways.journal import Journal
from aif.handlers.frames import Json, encode_row, place_of, redacted, redacted_job, role_place_of, row_of
from aif.handlers.world import World
from aif.reconcile.moving.state import destination
from aif.reconcile.snapshot import Decision, Snapshot
from aif.reconcile.tenure import same_pods
from aif.reconcile.training.scene import JobDecision, JobSnapshot
from aif.scheduling.batch import Batch
from aif.scheduling.node_table import NodeTable
from aif.settings import Settings

FORMAT: Final = 1
"""Number of the format; a reader refuses those that it does not know."""

_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision; nothing of it changes any more, so that it can be written down later.

    Attributes:
        at: When it was taken.
        table: The nodes as they were before.
        compute_nodes: ComputeNodes behind the table, in any order.
        services: Whom it is about.
        jobs: Or which training jobs.
        facts: What else it was made from, and what came out.
    """

    at: datetime
    table: NodeTable
    compute_nodes: Sequence[object]
    services: Sequence[AIService]
    facts: Json
    jobs: Sequence[TrainingJob] = ()


class Recording:
    """Takes note of decisions; what it costs the event loop does not grow with the cluster."""

    def __init__(self, journal: Journal[Entry], world: World) -> None:
        self._journal = journal
        self._world = world

    @classmethod
    def of(cls, settings: Settings, world: World, metrics: Exposition) -> Self | None:
        """Return what records as ``settings`` say; None where they ask for nothing."""
        if not settings.record:
            return None
        writer, most = settings.identity or socket.gethostname(), settings.record_mebibytes * 2**20
        journal = Journal[Entry](Path(settings.record), writer, most, Encoder(settings.policy).lines, metrics)
        journal.start()
        return cls(journal, world)

    def batch(self, services: Sequence[AIService], table: NodeTable, batch: Batch, now: datetime) -> None:
        """Take note of a decision about several services together."""
        results = {
            uid: {
                "places": [place_of(choice) for choice in selection.choices],
                "reason": selection.reason,
                "message": selection.message,
            }
            for uid, selection in batch.selections.items()
        }
        barred = {service.metadata.uid: sorted(self._world.barred(service, now)) for service in services}
        facts = {
            "kind": "Batch",
            "order": list(barred),
            "priorities": self._world.priorities(),
            "barred": {uid: nodes for uid, nodes in barred.items() if nodes},
            "results": results,
        }
        self._add(now, table, services, facts)

    def single(self, service: AIService, snapshot: Snapshot, decision: Decision, now: datetime) -> None:
        """Take note of a decision about one service, unless nothing was chosen, or a batch had chosen it."""
        if decision.selection is None or snapshot.selection is not None or decision.status is None:
            return
        places = destination(decision.status.placements, decision.status.migration)
        here = {placement.node_name for placement in service.status.placements} - set(snapshot.table.node_names)
        facts = {
            "kind": "Single",
            "unchanged": [same_pods(service, placement) for placement in service.status.placements],
            "nodesBeside": [node for name in sorted(here) if (node := snapshot.nodes.get(name)) is not None],
            "pods": snapshot.view.pods,
            "claims": snapshot.claims,
            "barred": sorted(snapshot.barred),
            "mayMove": snapshot.may_move,
            "judged": snapshot.judged,
            "users": snapshot.users,
            "results": {
                service.metadata.uid: {
                    "places": [place_of(placement) for placement in places],
                    "reason": decision.selection.reason,
                    "message": decision.selection.message,
                }
            },
        }
        self._add(now, snapshot.table, [service], facts)

    def job(self, job: TrainingJob, snapshot: JobSnapshot, decision: JobDecision, now: datetime) -> None:
        """Take note of a decision about a training job, unless nothing was chosen."""
        chosen = decision.selection
        if chosen is None:
            return
        facts = {
            "kind": "Job",
            "claims": snapshot.claims,
            "barred": sorted(snapshot.barred),
            "results": {
                job.metadata.uid: {
                    "places": [role_place_of(choice.placement) for choice in chosen.choices],
                    "reason": chosen.reason,
                    "message": chosen.message,
                }
            },
        }
        self._journal.add(Entry(now, snapshot.table, tuple(self._world.compute_nodes), (), facts, (job,)))

    def close(self) -> None:
        """Write what waits, and finish."""
        self._journal.close()

    def _add(self, now: datetime, table: NodeTable, services: Sequence[AIService], facts: Json) -> None:
        self._journal.add(Entry(now, table, tuple(self._world.compute_nodes), tuple(services), facts))


class Encoder:
    """Turns decisions into lines; nodes and services that did not change are not written again."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._order: tuple[str, ...] = ()
        self._seen: dict[str, tuple[object, ...]] = {}
        self._told: dict[str, Json] = {}
        self._objects: dict[str, Json] = {}
        self._last: NodeTable | None = None

    def lines(self, entry: Entry, fresh: bool) -> bytes:  # noqa: FBT001 - as the journal calls it
        """Return the line of ``entry``; behind a header, and with all nodes, where it is the first of a file."""
        header = b""
        if fresh:
            self._order, self._last = (), None
            self._seen, self._told, self._objects = {}, {}, {}
            facts = {"kind": "Start", "format": FORMAT, "version": __version__, "policy": self._policy}
            header = _line({**facts, "at": entry.at})
        nodes = self._nodes(entry)
        told: list[AIService | TrainingJob] = [redacted(service) for service in entry.services]
        told += [redacted_job(job) for job in entry.jobs]
        objects = {"jobs" if entry.jobs else "services": self._changed(told)}
        return header + _line({"at": entry.at, "nodes": nodes, **objects, **entry.facts})

    def _nodes(self, entry: Entry) -> Json:
        """Return what changed of the nodes: their order, and of each row the parts that are others."""
        table, last = entry.table, self._last
        known = {node.metadata.name: node for node in entry.compute_nodes if isinstance(node, ComputeNode)}
        shifted = _shifted(table, last)
        changed: Json = {}
        for at, name in enumerate(table.names):
            seen = (known[name], table.hosts[at], table.room.usage[at], table.room.claims[at])
            before = self._seen.get(name)
            if before is None or shifted[at] or any(a is not b for a, b in zip(seen, before, strict=True)):
                self._seen[name] = seen
                if parts := self._parts(name, encode_row(row_of(table, at, known[name]))):
                    changed[name] = parts
        delta: Json = {"rows": changed} if changed else {}
        if table.names != self._order:
            self._order = table.names
            delta["order"] = table.names
        self._last = table
        return delta

    def _parts(self, name: str, parts: Json) -> Json:
        told = self._told.get(name, {})
        self._told[name] = parts
        return {part: value for part, value in parts.items() if part not in told or told[part] != value}

    def _changed(self, objects: Sequence[AIService | TrainingJob]) -> Json:
        """Return the objects as they are decided about, those left out that were told before."""
        bodies = {each.metadata.uid: each.to_dict() for each in objects}
        for body in bodies.values():
            body["metadata"].pop("resourceVersion", None)
        new = {uid: body for uid, body in bodies.items() if self._objects.get(uid) != body}
        self._objects.update(new)
        return new


def _shifted(table: NodeTable, last: NodeTable | None) -> Sequence[bool]:
    """Return for which rows the sums over claims are others than they were."""
    if last is None or last.names != table.names:
        return [True] * len(table)
    room, before = table.room, last.room
    if room is before:
        return [False] * len(table)
    differs = (room.up_held != before.up_held) | (room.down_held != before.down_held)
    for device in {*room.busy, *before.busy}:
        differs = differs | (room.busy_of(device) != before.busy_of(device))
    return list(np.asarray(differs).tolist())


def _line(body: Mapping[str, Any]) -> bytes:
    return orjson.dumps(body, default=_plain, option=_OPTIONS)


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form in a recording")
