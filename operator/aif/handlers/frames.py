"""What a decision is made from as JSON, without what only containers need, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.api.migration_status import Placement
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import RolePlacement
from aif.api.workload import EnvironmentVariable, Workload
from aif.contract.watch import Judged
from aif.domain.annotations import ABORT, MIGRATE_TO
from aif.domain.cluster import Amounts, Node, Pod
from aif.domain.policy import Policy
from aif.planning.arrays import FloatArray
from aif.reconcile.approval import APPROVE
from aif.scheduling.ledger import Claim, Ledger
from aif.scheduling.node_table import NodeTable
from aif.scheduling.selection import Choice
from aif.scheduling.usage import Usage
from aif.scheduling.whereabouts import Whereabouts

Json = dict[str, Any]

NODE: Final = TypeAdapter[Node | None](Node | None)
NODES: Final = TypeAdapter[tuple[Node, ...]](tuple[Node, ...])
CLAIMS: Final = TypeAdapter[tuple[Claim, ...]](tuple[Claim, ...])
PODS: Final = TypeAdapter[tuple[Pod, ...]](tuple[Pod, ...])
USERS: Final = TypeAdapter[Whereabouts | None](Whereabouts | None)
JUDGED: Final = TypeAdapter[tuple[Judged, ...] | None](tuple[Judged, ...] | None)
POLICY: Final = TypeAdapter(Policy)

HIDDEN: Final = "-"
"""In place of a value that a container is given."""


@dataclass(frozen=True, slots=True)
class Held:
    """Rates that claims hold of a node, summed up by the ledger: the order of a sum decides on its last digit."""

    busy: Mapping[str, float]
    up: float
    down: float


@dataclass(frozen=True, slots=True)
class Row:
    """All that a row of the node table is made from."""

    compute_node: ComputeNode
    node: Node | None
    usage: Usage
    claims: tuple[Claim, ...]
    held: Held


def row_of(table: NodeTable, at: int, compute_node: ComputeNode) -> Row:
    """Return what row ``at`` of ``table`` was made from."""
    room = table.room
    busy = {device: share for device, column in room.busy.items() if (share := float(column[at]))}
    held = Held(busy, float(room.up_held[at]), float(room.down_held[at]))
    return Row(compute_node, table.hosts[at], room.usage[at], room.claims[at], held)


def encode_row(row: Row) -> Json:
    """Return the parts of ``row``, each of which is recorded when it changes."""
    return {
        "computeNode": _compute_node(row.compute_node),
        "node": row.node,
        "usage": {
            "total": row.usage.total,
            "ours": [[namespace, name, copies] for (namespace, name), copies in row.usage.ours.items()],
        },
        "claims": row.claims,
        "held": {"busy": row.held.busy, "up": row.held.up, "down": row.held.down},
    }


def decode_row(parts: Json) -> Row:
    """Return the row that has these parts."""
    usage, held = parts["usage"], parts["held"]
    ours = {(namespace, name): copies for namespace, name, copies in usage["ours"]}
    return Row(
        ComputeNode.model_validate(parts["computeNode"]),
        NODE.validate_python(parts["node"]),
        Usage(usage["total"], ours),
        CLAIMS.validate_python(parts["claims"]),
        Held(held["busy"], held["up"], held["down"]),
    )


def _compute_node(node: ComputeNode) -> Json:
    """Return ``node`` without what nobody decides by: who changed it, and what the operator itself wrote of it."""
    metadata = node.metadata.model_copy(update={"labels": {}, "annotations": {}, "resource_version": ""})
    status = node.status.model_copy(update={"reserved": None, "summary": None})
    return node.model_copy(update={"metadata": metadata, "status": status}).to_dict()


def table_of(rows: Mapping[str, Row], now: datetime) -> NodeTable:
    """Return the table of ``rows`` in their order, as of ``now``."""
    ledger = Ledger()
    for row in rows.values():
        for claim in row.claims:
            ledger.restore(claim)
    joined = [row for row in rows.values() if row.node is not None]
    nodes = {row.node.name: row.node for row in joined if row.node is not None}
    usage = {row.node.name: row.usage for row in joined if row.node is not None}
    table = NodeTable.of([row.compute_node for row in rows.values()], nodes, usage, ledger).at(now)
    held = [row.held for row in rows.values()]
    devices = dict.fromkeys(device for each in held for device in each.busy)
    room = replace(
        table.room,
        busy={device: _column(each.busy.get(device, 0.0) for each in held) for device in devices},
        up_held=_column(each.up for each in held),
        down_held=_column(each.down for each in held),
    )
    return replace(table, room=room)


def _column(figures: Iterable[float]) -> FloatArray:
    return np.array(list(figures), dtype=np.float64)


def redacted(service: AIService) -> AIService:
    """Return ``service`` as it is decided about: what only its containers are told is hidden."""
    spec, meta = service.spec, service.metadata
    said = {key: value for key, value in meta.annotations.items() if key in (APPROVE, MIGRATE_TO, ABORT)}
    variants = [variant.model_copy(update={"args": _hidden(variant.args)}) for variant in spec.variants]
    workload = None if spec.workload is None else _redacted(spec.workload)
    told = service.status
    status = type(told)(
        placements=told.placements,
        plan=told.plan,
        migrations=told.migrations,
        last_handled_migrate_to=told.last_handled_migrate_to,
        last_handled_abort=told.last_handled_abort,
    )
    return service.model_copy(
        update={
            "metadata": meta.model_copy(update={"labels": {}, "annotations": said}),
            "spec": spec.model_copy(update={"workload": workload, "variants": variants}),
            "status": status,
        }
    )


def redacted_job(job: TrainingJob) -> TrainingJob:
    """Return ``job`` as it is decided about: what only its containers are told is hidden."""
    meta, told = job.metadata, job.status
    said = {key: value for key, value in meta.annotations.items() if key == APPROVE}
    workload = job.spec.workload.model_copy(update={"env": _unsaid(job.spec.workload.env)})
    return job.model_copy(
        update={
            "metadata": meta.model_copy(update={"labels": {}, "annotations": said}),
            "spec": job.spec.model_copy(update={"workload": workload}),
            "status": type(told)(placements=told.placements, plan=told.plan),
        }
    )


def _redacted(workload: Workload) -> Workload:
    words = {"command": _hidden(workload.command), "args": _hidden(workload.args)}
    return workload.model_copy(update={"env": _unsaid(workload.env), **words})


def _unsaid(env: Iterable[EnvironmentVariable]) -> list[EnvironmentVariable]:
    return [one.model_copy(update={"value": HIDDEN}) if one.value is not None else one for one in env]


def _hidden(words: Iterable[str]) -> list[str]:
    return [HIDDEN for _ in words]


def place_of(choice: Choice | Placement) -> Json:
    """Return what is compared of a place."""
    variant = choice.variant if isinstance(choice, Placement) else choice.variant.name
    return {"node": choice.node, "variant": variant, "replicas": choice.replicas, "score": choice.score}


def role_place_of(placement: RolePlacement) -> Json:
    """Return what is compared of the place of a training job's role."""
    return {
        "role": placement.role,
        "node": placement.node,
        "variant": placement.variant,
        "replicas": placement.pods,
        "score": placement.score,
    }


def renamed(rows: Mapping[str, Row], service: AIService, copies: Mapping[str, str]) -> dict[str, Row]:
    """Return ``rows`` in which copies of ``service`` bear other names."""
    key = (service.metadata.namespace, service.metadata.name)
    return {name: _renamed(row, key, service.metadata.uid, copies) for name, row in rows.items()}


def _renamed(row: Row, key: tuple[str, str], uid: str, copies: Mapping[str, str]) -> Row:
    if key not in row.usage.ours and not any(claim.owner == uid for claim in row.claims):
        return row
    mine: Mapping[str, Amounts] = row.usage.ours.get(key, {})
    ours = {**row.usage.ours, key: {copies.get(copy, copy): amounts for copy, amounts in mine.items()}}
    usage = Usage(row.usage.total, ours if mine else row.usage.ours)
    return replace(row, usage=usage, claims=renamed_claims(row.claims, uid, copies))


def renamed_claims(claims: Iterable[Claim], uid: str, copies: Mapping[str, str]) -> tuple[Claim, ...]:
    """Return ``claims`` of which those of the service ``uid`` are for copies of other names."""
    return tuple(
        replace(claim, copy=copies.get(claim.copy, claim.copy)) if claim.owner == uid else claim for claim in claims
    )
