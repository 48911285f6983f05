"""What the operator would decide about objects in files: its own reconciliation and ledger, without a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from aif.api.aiservice import AIService
from aif.api.aiservice_status import AIServiceStatus
from aif.api.computenode import CPU, ComputeNode
from aif.api.conditions import Reason
from aif.api.trainingjob import TrainingJob
from aif.cli.explain.explanation import verdict
from aif.cli.inputs import Inputs
from aif.cli.simulation import jobs as training
from aif.domain.actions import Action, Apply, Emit, WriteStatus
from aif.domain.cluster import Node, Pod
from aif.domain.policy import Policy
from aif.domain.registry import accepted, speakers
from aif.reconcile.aiservice import reconcile
from aif.reconcile.computenode import NodeSnapshot, judge
from aif.reconcile.copies import HOSTNAME
from aif.reconcile.registration import register
from aif.reconcile.snapshot import Decision, Snapshot
from aif.reconcile.training.starting import Others
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable

PODS_PER_NODE: Final = 110.0
"""What a kubelet admits unless it is told otherwise."""

_DECIDED: Final = frozenset({"Accepted", "Placed", "ApprovalRequired"})
"""Conditions that a decision settles; all others need pods."""

_WAITS_FOR_PEOPLE: Final = (Reason.SUSPENDED, Reason.AWAITING_APPROVAL)


@dataclass(frozen=True, slots=True)
class Network:
    """Compute nodes with what stands behind them.

    Attributes:
        compute_nodes: ComputeNodes with their status, those that register themselves included.
        nodes: Kubernetes Nodes by name, simulated ones included.
        pods: Pods that have not ended.
        notes: What compute management would tell people, such as a label that names no tier.
    """

    compute_nodes: tuple[ComputeNode, ...]
    nodes: Mapping[str, Node]
    pods: tuple[Pod, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Simulation:
    """What was decided.

    Attributes:
        services: AIServices with the status that the operator would write.
        jobs: TrainingJobs, likewise.
        network: Compute nodes, what these hold of them included in their status.
        ledger: What is promised to them.
    """

    services: tuple[AIService, ...]
    jobs: tuple[TrainingJob, ...]
    network: Network
    ledger: Ledger

    @property
    def unplaced(self) -> tuple[AIService, ...]:
        """Return the services that would run nowhere though they are to run."""
        return tuple(service for service in self.services if not _settled(service))

    @property
    def unplaced_jobs(self) -> tuple[TrainingJob, ...]:
        """Return the training jobs that would run nowhere though they are to run."""
        return tuple(job for job in self.jobs if not training.settled(job))


def simulate(inputs: Inputs, policy: Policy, now: datetime) -> Simulation:
    """Return what the operator would decide about ``inputs``, one after the other in their order, services first."""
    network = network_of(inputs)
    ledger = Ledger()
    decided = tuple(_decide(service, network, ledger, policy, now) for service in inputs.services)
    others = training.others_of(inputs.jobs, decided)
    jobs = tuple(
        _decide_job(job, network, ledger, policy, others.get(job.metadata.namespace, {}), now) for job in inputs.jobs
    )
    return Simulation(decided, jobs, judged(network, ledger, now), ledger)


def network_of(inputs: Inputs) -> Network:
    """Return the network of ``inputs``; a ComputeNode whose Node is not given gets one that is ready and empty."""
    known = {node.metadata.name: node for node in inputs.compute_nodes}
    actions = [action for node in inputs.nodes for action in register(node, known.get(node.name))]
    registered = [ComputeNode.model_validate(action.body) for action in actions if isinstance(action, Apply)]
    compute_nodes = (*inputs.compute_nodes, *registered)
    nodes = {node.name: node for node in inputs.nodes}
    simulated = {node.spec.node_name: _simulated(node) for node in compute_nodes if node.spec.node_name}
    return Network(compute_nodes, {**simulated, **nodes}, inputs.pods, tuple(_warnings(actions)))


def judged(network: Network, ledger: Ledger, now: datetime) -> Network:
    """Return ``network`` with the status that compute management would write."""
    speaker = speakers(network.compute_nodes)

    def status(node: ComputeNode) -> ComputeNode:
        name = node.spec.node_name or ""
        seen = NodeSnapshot(network.nodes.get(name), speaker.get(name, ""), ledger.held(node.metadata.name))
        return node.model_copy(update={"status": judge(node, seen, now)})

    return replace(network, compute_nodes=tuple(map(status, network.compute_nodes)))


def _simulated(node: ComputeNode) -> Node:
    name = node.spec.node_name or ""
    allocatable: dict[str, float] = {"pods": PODS_PER_NODE}
    for device in node.spec.capability.devices:
        allocatable[device.type] = allocatable.get(device.type, 0.0) + device.count
        if device.type == CPU and device.memory is not None:
            allocatable["memory"] = float(device.memory)
    return Node(name=name, uid=f"simulated/{name}", labels={HOSTNAME: name}, ready="True", allocatable=allocatable)


def _warnings(actions: Iterable[Action]) -> Iterator[str]:
    for action in actions:
        if isinstance(action, Emit) and action.type == "Warning":
            yield f"{action.regarding.kind} {action.regarding.name}: {action.note}"


def _table(network: Network, ledger: Ledger, now: datetime) -> NodeTable:
    seen = judged(network, ledger, now)
    return NodeTable.build(accepted(seen.compute_nodes), network.nodes, network.pods, ledger)


def _decide_job(
    job: TrainingJob, network: Network, ledger: Ledger, policy: Policy, others: Others, now: datetime
) -> TrainingJob:
    told, claims = training.decide(job, _table(network, ledger, now), network.nodes, policy, others, now)
    if claims:
        ledger.settle(job.metadata.uid, claims, network.nodes, network.pods)
    return told


def _decide(service: AIService, network: Network, ledger: Ledger, policy: Policy, now: datetime) -> AIService:
    table = _table(network, ledger, now)
    snapshot = Snapshot(table=table, nodes=network.nodes, policy=policy, routes_served=True)
    decision = reconcile(service, snapshot, now)
    if decision.claims:
        ledger.settle(service.metadata.uid, decision.claims, network.nodes, network.pods)
    return service.model_copy(update={"status": _status(decision)})


def _status(decision: Decision) -> AIServiceStatus:
    """Return the status that the operator would write, less what only running pods can tell."""
    written = next((action.status for action in decision.actions if isinstance(action, WriteStatus)), {})
    status = AIServiceStatus.model_validate(written)
    return status.model_copy(update={"conditions": [one for one in status.conditions if one.type in _DECIDED]})


def _settled(service: AIService) -> bool:
    placed = verdict(service)
    return placed is not None and (placed.status == "True" or placed.reason in _WAITS_FOR_PEOPLE)
