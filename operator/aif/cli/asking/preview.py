"""What the operator would answer to a request to move, by its own code and by what the user may read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from aif.api.aiservice import AIService
from aif.api.aiservice_status import AIServiceStatus
from aif.api.migration_status import MigrationRecord
from aif.cli.explain import view as explanation_view
from aif.cli.moves import moves
from aif.cli.moves import view as moves_view
from aif.cli.moves.moves import End
from aif.cli.simulation.decisions import Network
from aif.cli.top.nodes import claims_of
from aif.domain.annotations import MIGRATE_TO
from aif.domain.cluster import ServiceView
from aif.domain.policy import Policy
from aif.domain.registry import accepted
from aif.errors import InvalidInput
from aif.reconcile.aiservice import reconcile
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.node_table import NodeTable

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Preview:
    """The answer to a request that nobody made.

    Attributes:
        service: The service with the status that the operator would write.
        value: What would be asked for.
        end: REFUSED or AWAITING_APPROVAL; COMPLETED stands for a move that would begin.
        message: What the operator would say.
    """

    service: AIService
    value: str
    end: End
    message: str


def decide(
    service: AIService, target: str, network: Network, services: Iterable[AIService], policy: Policy, now: datetime
) -> Preview:
    """Return what would become of a request to move ``service`` to ``target``.

    Raises:
        InvalidInput: The service moves already.
    """
    meta = service.metadata
    if service.status.migration is not None:
        number = service.status.migration.id
        raise InvalidInput(f"{meta.name} moves already (move {number}): wait for its end, or `aif abort {meta.name}`")
    value = moves.request(target, now)
    asked = meta.model_copy(update={"annotations": {**meta.annotations, MIGRATE_TO: value}})
    ledger = claims_of(network, services, policy)
    pods = tuple(pod for pod in network.pods if (pod.namespace, pod.service) == (meta.namespace, meta.name))
    snapshot = Snapshot(
        table=NodeTable.build(accepted(network.compute_nodes), network.nodes, network.pods, ledger),
        nodes=network.nodes,
        view=ServiceView(pods=pods, ready_endpoints=sum(pod.ready for pod in pods)),
        claims=ledger.claims_of(meta.uid),
        policy=policy,
        judged=(),
        routes_served=True,
    )
    decision = reconcile(service.model_copy(update={"metadata": asked}), snapshot, now)
    return _preview(
        service.model_copy(update={"status": decision.status or service.status}), value, service.status.migrations
    )


def _preview(service: AIService, value: str, before: Sequence[MigrationRecord]) -> Preview:
    status: AIServiceStatus = service.status
    if status.migration is not None:
        return Preview(service, value, End.COMPLETED, status.migration.message)
    if status.last_handled_migrate_to == value and len(status.migrations) > len(before):
        # Nothing of it answers, or it is updated by Recreate: there is nothing to wait for.
        source, target = status.migrations[-1].source, status.migrations[-1].to
        return Preview(service, value, End.COMPLETED, f"{source} is left at once for {target}: no replica serves there")
    approval = moves.condition(service, "ApprovalRequired")
    if approval is not None and approval.status == "True" and status.last_handled_migrate_to != value:
        return Preview(service, value, End.AWAITING_APPROVAL, approval.message)
    told = moves.condition(service, "Migrating")
    return Preview(service, value, End.REFUSED, told.message if told is not None else "")


def report(found: Preview) -> Json:
    """Return the answer as a structure; ``result`` is Move, AwaitingApproval or Refused."""
    status = found.service.status.to_dict()
    return {
        "service": {"namespace": found.service.metadata.namespace, "name": found.service.metadata.name},
        "request": {MIGRATE_TO: found.value},
        "result": "Move" if found.end is End.COMPLETED else found.end.value,
        "message": found.message,
        "move": moves.under_way(found.service.status.migration),
        "plan": status.get("plan"),
        "candidates": status["candidates"],
        "rejected": status["rejected"],
    }


def view(found: Preview, screen: Console) -> RenderableType:
    """Return the answer in a sentence, and below it the candidates and refusals that it rests on."""
    name = found.service.metadata.name
    if found.service.status.migration is not None:
        head = Text.assemble("Would begin: ", moves_view.heading(found.service.status.migration))
    elif found.end is End.AWAITING_APPROVAL:
        head = Text(f"Would be proposed, and wait for a person: `aif approve {name}`", style="yellow")
    elif found.end is End.COMPLETED:
        head = Text("Would be placed anew")
    else:
        head = Text(f"Would be refused: {name} stays where it is", style="red")
    return Group(head, Text(found.message), *explanation_view.grounds(found.service, screen), Text(), Text(_NOTE))


_NOTE = "Nothing was asked for. Pods may come and go before the operator decides; it also counts measured load."
