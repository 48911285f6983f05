"""How objects of the caches are grouped, and what is seen of one that was written."""

from __future__ import annotations

from collections.abc import Collection

from aif.api.aiservice import AIService, UpdateStrategy
from aif.api.computenode import ComputeNode
from aif.api.trainingjob import TrainingJob
from aif.domain.cluster import Child, Pod, ServiceView
from aif.gateways.cache import Key
from aif.gateways.expectations import Seen
from aif.gateways.kubernetes.kinds import Faulty
from aif.reconcile.holding import recorded
from aif.reconcile.training.starting import awaited


def leaving_copies(service: AIService, copies: Collection[str], view: ServiceView) -> set[tuple[str, str, str]]:
    """Return the copies that make room for ``copies`` before those come: the user says so, or they answer nobody."""
    at_once = service.spec.update is UpdateStrategy.RECREATE
    others = {pod.copy for pod in view.pods if pod.copy not in copies}
    meta = service.metadata
    return {(meta.namespace, meta.name, other) for other in others if at_once or not view.ready_pods(other)}


def seen(value: AIService | ComputeNode | TrainingJob | Faulty | None) -> Seen | None:
    """Return what a cache shows of an object; None where it shows nothing."""
    if value is None:
        return None
    meta = value.metadata
    return Seen(meta.uid, meta.resource_version, meta.deletion_timestamp is not None)


def uid(value: AIService | ComputeNode | TrainingJob | Faulty | None) -> str:
    """Return the uid of an object; empty without one."""
    return "" if value is None else value.metadata.uid


def child_uid(child: Child | None) -> str:
    """Return the uid of a child; empty without one."""
    return "" if child is None else child.reference.uid


def served_by(pod: Pod) -> list[Key]:
    """Return the AIService that a pod serves."""
    return [(pod.namespace, pod.service)] if pod.service else []


def learns_for(pod: Pod) -> list[Key]:
    """Return the TrainingJob that a pod learns for."""
    return [(pod.namespace, pod.job)] if pod.job else []


def job_of(child: Child) -> list[Key]:
    """Return the TrainingJob that a child was made for."""
    return [(child.reference.namespace, child.job)] if child.job else []


def waits_for(job: TrainingJob | Faulty) -> list[tuple[str, str, str]]:
    """Return kind, namespace and name of what a job waits for before it starts."""
    if isinstance(job, Faulty):
        return []
    return [(kind, job.metadata.namespace, name) for kind, name in awaited(job)]


def learns_on(job: TrainingJob | Faulty) -> list[str]:
    """Return the Nodes that a job's roles stand on."""
    if isinstance(job, Faulty):
        return []
    return list(dict.fromkeys(placement.node_name for placement in job.status.placements))


def placed_on(service: AIService | Faulty) -> list[str]:
    """Return the Nodes that a service stands on, or moves to."""
    if isinstance(service, Faulty):
        return []
    return list(dict.fromkeys(placement.node_name for placement in recorded(service)))


def speaks_for(node: ComputeNode | Faulty) -> list[str]:
    """Return the Node that a ComputeNode speaks for."""
    return [node.spec.node_name] if isinstance(node, ComputeNode) and node.spec.node_name else []


def service_of(child: Child) -> list[Key]:
    """Return the AIService that a child was made for."""
    return [(child.reference.namespace, child.service)] if child.service else []
