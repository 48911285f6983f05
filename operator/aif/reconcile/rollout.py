"""From a placement to its children: what is missing is made, what was changed is restored, what is old goes last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aif.api.aiservice import AIService, UpdateStrategy
from aif.api.base import API_VERSION
from aif.api.migration_status import MigrationStatus, Phase, Placement
from aif.api.workload import Variant
from aif.domain import events
from aif.domain.actions import Action, Apply, Delete
from aif.domain.cluster import COPY_LABEL, Child, ObjectReference, ServiceView
from aif.reconcile.children import covers, disruption_budget, front, route
from aif.reconcile.copies import HOSTNAME, PROBE_SECONDS, Json, copy_id, deployment
from aif.reconcile.snapshot import Snapshot

DEFAULT_GRACE_SECONDS = 30
"""What Kubernetes gives a pod to end where nobody says so."""

_OURS_TO_CHANGE = frozenset({"replicas", "minAvailable"})


def rollout(
    service: AIService, placements: Sequence[Placement], snapshot: Snapshot, move: MigrationStatus | None = None
) -> list[Action]:
    """Return what brings the children of ``service`` in line with ``placements``, additions before removals.

    Until a move has come to its point of no return, the copies that it is on its way to are wanted beside them.
    """
    coming = move.targets if move is not None and move.phase is not Phase.SOURCE_DRAINING else []
    placements = [*placements, *coming]
    mine = own_children(service, snapshot.view)
    made = intents(service, placements, snapshot, serves_alone(service, move, snapshot))
    wanted = [_as_made(body, mine) for body in made]
    old = old_copies(service, placements, snapshot.view)
    keep = {_key(body) for body in wanted} | {_key_of(child) for child in old}
    stray = [child for child in mine if _key_of(child) not in keep]
    return [
        *(action for body in wanted for action in _ensure(service, body, mine)),
        *(action for child in retiring(service, placements, snapshot.view) for action in _retire(service, child)),
        *(_delete(child) for child in stray if not child.copy),
    ]


def removal(service: AIService, view: ServiceView) -> list[Action]:
    """Return the deletion of all copies; the Service stays, so that the address survives a pause."""
    return [_delete(child) for child in own_children(service, view) if child.copy]


def intents(service: AIService, placements: Sequence[Placement], snapshot: Snapshot, alone: str = "") -> Iterator[Json]:
    """Yield each child in full: the copies, the Service in front, the budget, and the route where one is asked for.

    A copy that the present spec would not make any more is left as it is: it serves until another one can.

    Args:
        service: Whose children they are.
        placements: Its copies.
        snapshot: The world.
        alone: Copy that the Service leads to alone; empty where it leads to all.
    """
    for placement in placements:
        variant = variant_of(service, placement)
        if variant is not None and copy_id(service, placement.node_name, variant) == placement.copy_id:
            yield deployment(service, placement, variant, hostname(snapshot, placement.node_name), snapshot.policy)
    yield front(service, alone)
    yield disruption_budget(service, sum(placement.replicas for placement in placements))
    if service.spec.expose.gateway is not None and snapshot.routes_served:
        yield route(service, service.spec.expose.gateway)


def hostname(snapshot: Snapshot, node_name: str) -> str:
    """Return the value that the node selector asks for: the Node's hostname label."""
    node = snapshot.nodes.get(node_name)
    return node.labels.get(HOSTNAME, node_name) if node else node_name


def variant_of(service: AIService, placement: Placement) -> Variant | None:
    """Return the variant that ``placement`` runs; None where the spec does not name it any more."""
    return next((variant for variant in service.variants if variant.name == placement.variant), None)


def own_children(service: AIService, view: ServiceView) -> list[Child]:
    """Return the children that belong to this very service, not to an earlier one of its name."""
    return [c for c in view.children if c.owner_uid == service.metadata.uid and not c.terminating]


def old_copies(service: AIService, placements: Sequence[Placement], view: ServiceView) -> list[Child]:
    """Return the Deployments of copies other than the placed ones."""
    placed = {"", *(placement.copy_id for placement in placements)}
    return [child for child in own_children(service, view) if child.copy not in placed]


def retiring(service: AIService, placements: Sequence[Placement], view: ServiceView) -> list[Child]:
    """Return the old copies that may go: the new one is ready, or they answer no request, or the user wants it so."""
    ready = all(view.serving_pods(placement.copy_id) >= placement.replicas for placement in placements)
    at_once = service.spec.update is UpdateStrategy.RECREATE or ready
    return [c for c in old_copies(service, placements, view) if at_once or not view.ready_pods(c.copy)]


def serves_alone(service: AIService, move: MigrationStatus | None, snapshot: Snapshot) -> str:
    """Return the copy that the Service leads to alone while it moves; empty where it leads to all.

    Only one copy can be named, and only one that is ready: where it fails, the others take over without a decision.
    """
    if move is None or move.phase not in (Phase.CONTRACT_VERIFIED, Phase.TRAFFIC_SWITCHED, Phase.SOURCE_DRAINING):
        return ""
    every = {each.copy_id for each in (*service.status.placements, *move.targets)}
    copies = every - {each.copy_id for each in move.sources}
    ready = all(snapshot.view.ready_pods(each.copy_id) >= each.replicas for each in move.targets)
    return copies.pop() if len(copies) == 1 and ready else ""


def staying(service: AIService, placements: Sequence[Placement], view: ServiceView) -> list[Child]:
    """Return the old copies that serve on until the new one is ready."""
    going = retiring(service, placements, view)
    return [child for child in old_copies(service, placements, view) if child not in going]


def _as_made(body: Json, mine: Iterable[Child]) -> Json:
    """Return ``body`` with the times that the copy was made with: others would restart its pods."""
    seen = next((child for child in mine if child.copy and _key_of(child) == _key(body)), None)
    if seen is None:
        return body
    pod = seen.body.get("spec", {}).get("template", {}).get("spec", {})
    grace = {"terminationGracePeriodSeconds": pod.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)}
    template = body["spec"]["template"]
    containers = _probed_as_before(template["spec"]["containers"], pod.get("containers", []))
    kept = {**template, "spec": {**template["spec"], **grace, "containers": containers}}
    return {**body, "spec": {**body["spec"], "template": kept}}


def _probed_as_before(made: Sequence[Json], seen: Sequence[Json]) -> list[Json]:
    """Return the containers with the patience of the readiness probes that they had; Kubernetes' own is a second."""
    before = {each["name"]: each.get("readinessProbe", {}).get("timeoutSeconds", 1) for each in seen}
    return [
        {
            **each,
            "readinessProbe": {**each["readinessProbe"], "timeoutSeconds": before.get(each["name"], PROBE_SECONDS)},
        }
        for each in made
    ]


def _ensure(service: AIService, body: Json, mine: list[Child]) -> Iterator[Action]:
    seen = next((child for child in mine if _key_of(child) == _key(body)), None)
    if seen is None:
        yield Apply(body)
    elif not covers(seen.body, body):
        yield Apply(body, known=True)
        if _was_made_so(seen, body):
            yield events.repaired(reference(service), body["kind"], body["metadata"]["name"])


def _was_made_so(seen: Child, body: Json) -> bool:
    """Tell a foreign change from our own new intent: numbers of replicas are ours to change, all else stays as made."""
    if body["kind"] == "Service" and _leads_to_ours(seen.body, body):
        return False
    spec = {name: value for name, value in body["spec"].items() if name not in _OURS_TO_CHANGE}
    return not covers(seen.body, {**body, "spec": spec})


def _leads_to_ours(seen: Mapping[str, Any], body: Json) -> bool:
    """Tell whether a Service differs in the copy that it leads to alone, which a move turns, and in nothing else."""
    now, wanted = (dict(each.get("spec", {}).get("selector") or {}) for each in (seen, body))
    turned = {name: value for name, value in wanted.items() if name != COPY_LABEL}
    same = covers(seen, {**body, "spec": {**body["spec"], "selector": now}})
    return same and {name: value for name, value in now.items() if name != COPY_LABEL} == turned


def _retire(service: AIService, child: Child) -> Iterator[Action]:
    yield _delete(child)
    yield events.retired(reference(service), child.copy)


def _delete(child: Child) -> Delete:
    return Delete(child.reference, child.resource_version)


def _key(body: Mapping[str, Any]) -> tuple[str, str]:
    return body["kind"], body["metadata"]["name"]


def _key_of(child: Child) -> tuple[str, str]:
    return child.reference.kind, child.reference.name


def reference(service: AIService) -> ObjectReference:
    """Return the identity of ``service``."""
    meta = service.metadata
    return ObjectReference(API_VERSION, "AIService", meta.namespace, meta.name, meta.uid)
