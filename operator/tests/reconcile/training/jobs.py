"""Training jobs and the network that they are placed on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from aif.api.computenode import ComputeNode
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import TrainingJobStatus
from aif.domain.actions import Apply, Delete, WriteStatus
from aif.domain.cluster import Child, Node, ObjectReference, Pod
from aif.domain.learning import JobView, Told
from aif.reconcile.training.course import reconcile
from aif.reconcile.training.scene import JobDecision, JobSnapshot
from aif.reconcile.training.starting import Other
from aif.scheduling.ledger import Claim, Ledger
from aif.scheduling.node_table import NodeTable
from tests.builders import CPU_32, NOON, a_compute_node, a_device, a_link, a_node

SMALL_CPU: Final = a_device(CPU_32, count=4, memory="8Gi")

MODES: Final[dict[str, dict[str, Any]]] = {
    "Centralized": {},
    "Federated": {"clients": 3},
    "Split": {"clients": 4, "split": {"cut": "Auto", "schedule": "Sequential"}},
    "TwoLevel": {
        "groups": [{"name": "a", "clients": 3, "cut": "fc2"}, {"name": "b", "clients": 3, "cut": "Output"}],
        "privacy": {"kAnonymity": 2},
    },
    "Distillation": {
        "distillation": {
            "teacher": {"claimName": "teachers", "path": "m/model.safetensors"},
            "model": {"name": "mlp-5"},
        }
    },
    "Compression": {
        "compression": {
            "source": {"claimName": "models", "path": "m/model.safetensors"},
            "methods": ["Magnitude", "Int8"],
        }
    },
}
"""What each mode asks for besides."""


def a_job(mode: str = "Federated", *, status: TrainingJobStatus | None = None, **spec: Any) -> TrainingJob:
    """Return a job over the digits with clients of half a core."""
    metadata = {"name": "digits", "namespace": "lab", "uid": "uid-digits", "generation": 1, "resourceVersion": "1"}
    told: dict[str, Any] = {
        "mode": mode,
        "model": {"name": "mlp-3"},
        "data": {"source": "Digits"},
        "workload": {"image": "learner:1.0", "resources": {"cpu": "500m", "memory": "512Mi"}},
        "output": {"claimName": "models"},
    }
    job = TrainingJob.model_validate(
        {"metadata": metadata | spec.pop("metadata", {}), "spec": told | MODES[mode] | spec}
    )
    return job.model_copy(update={"status": status}) if status else job


def a_network(phones: int = 4) -> list[tuple[ComputeNode, Node]]:
    """Return phones at two radio sites, an edge and a cloud, each with its Node."""
    made = [_a_place("edge-1", "Edge", [a_link(), a_link("gnb-1", rttMicroseconds=4000)])]
    made += [_a_place("cloud-1", "Cloud", [a_link(), a_link("edge-1", rttMicroseconds=30_000)])]
    made += [_a_place(f"gnb-{at}", "RAN", [a_link()]) for at in (1, 2)]
    sites = [f"gnb-{at % 2 + 1}" for at in range(phones)]
    made += [_a_place(f"phone-{at}", "Device", [a_link(site)], cpu=1.0) for at, site in enumerate(sites)]
    return made


def _a_place(name: str, tier: str, links: list[dict[str, Any]], cpu: float = 8.0) -> tuple[ComputeNode, Node]:
    compute = a_compute_node(name, tier=tier, devices=[SMALL_CPU], links=links)
    node = a_node(f"worker-{name}", allocatable={"cpu": cpu, "memory": 8.0 * 2**30, "pods": 20.0})
    return compute, node


def a_table(
    network: list[tuple[ComputeNode, Node]], claims: tuple[Claim, ...] = (), pods: tuple[Pod, ...] = ()
) -> NodeTable:
    """Return the network as filters and scores see it."""
    ledger = Ledger()
    for claim in claims:
        ledger.restore(claim)
    return NodeTable.build([compute for compute, _ in network], {n.name: n for _, n in network}, pods, ledger, NOON)


class Life:
    """One job over a network: each look decides once, and what was decided comes true.

    Attributes:
        job: As it is stored.
        network: Where it may run; tests may change it.
        told: What it says of itself.
        now: The time.
        others: What it may wait for before it starts.
        events: Reasons of the events so far.
        deleted: Names of what was deleted so far.
    """

    def __init__(self, job: TrainingJob, network: list[tuple[ComputeNode, Node]] | None = None) -> None:
        self.job = job
        self.network = a_network() if network is None else network
        self.told: Told | None = None
        self.now: datetime = NOON
        self.claims: tuple[Claim, ...] = ()
        self.children: dict[tuple[str, str], Child] = {}
        self.events: list[str] = []
        self.deleted: list[str] = []
        self.writes = 0
        self.wanted_by = ""
        self.others: dict[tuple[str, str], Other] = {}

    def look(self, times: int = 1, seconds: float = 0.0) -> JobDecision:
        """Decide so many times, each so much later."""
        decision = JobDecision()
        for _ in range(times):
            self.now += timedelta(seconds=seconds)
            decision = reconcile(self.job, self.snapshot(), self.now)
            self.claims = decision.claims
            for action in decision.actions:
                self._come_true(action)
        return decision

    def snapshot(self) -> JobSnapshot:
        """Return the world as it is."""
        pods = tuple(self.pods())
        view = JobView(tuple(self.children.values()), pods, self.told)
        nodes = {node.name: node for _, node in self.network}
        table = a_table(self.network, self.claims, pods)
        return JobSnapshot(table, nodes, view, self.claims, wanted_by=self.wanted_by, others=self.others)

    def pods(self) -> list[Pod]:
        """Return the pods that the Jobs have, ready and where they were placed."""
        made = []
        for (kind, name), child in self.children.items():
            role = child.labels.get("net4ai.io/role", "")
            places = [each for each in self.job.status.placements if each.role == role] if kind == "Job" else []
            hosts = [each.node_name for each in places for _ in range(each.pods)]
            made += [
                Pod(
                    "lab",
                    f"{name}-{at}",
                    f"{name}-{at}",
                    host,
                    {"cpu": 0.5, "pods": 1.0},
                    copy=role,
                    ready=True,
                    job="digits",
                )
                for at, host in enumerate(hosts)
            ]
        return made

    def says(self, phase: str, **fields: Any) -> None:
        """Have the job say this of itself."""
        self.told = Told(phase, self.now, rounds=10, **fields)

    def condition(self, kind: str) -> tuple[str, str]:
        """Return status and reason of a condition; nothing where it is not there."""
        found = next((c for c in self.job.status.conditions if c.type == kind), None)
        return (found.status, found.reason) if found else ("", "")

    def bodies(self, kind: str) -> dict[str, Any]:
        """Return the children of a kind by name."""
        return {name: child.body for (known, name), child in self.children.items() if known == kind}

    def _come_true(self, action: object) -> None:
        match action:
            case Apply(body):
                meta, kind = body["metadata"], body["kind"]
                shown = (
                    {**body, "spec": {**body.get("spec", {}), "clusterIP": "10.0.0.1"}} if kind == "Service" else body
                )
                reference = ObjectReference(
                    body["apiVersion"], kind, meta["namespace"], meta["name"], f"uid-{meta['name']}"
                )
                self.children[kind, meta["name"]] = Child(reference, "1", "uid-digits", meta["labels"], shown)
            case Delete(target):
                self.deleted.append(target.name)
                self.children.pop((target.kind, target.name), None)
            case WriteStatus(_, status):
                self.writes += 1
                told = TrainingJobStatus.model_validate(status)
                self.job = self.job.model_copy(update={"status": told})
            case _:
                if reason := getattr(action, "reason", ""):
                    self.events.append(reason)

    def lose(self, *names: str) -> None:
        """Have nodes stop reporting."""
        self.network = [
            (compute, replace(node, ready="Unknown") if compute.metadata.name in names else node)
            for compute, node in self.network
        ]

    def set(self, **spec: Any) -> None:
        """Change the spec."""
        self.job = self.job.model_copy(update={"spec": self.job.spec.model_copy(update=spec)})


def a_running(mode: str = "Federated", **spec: Any) -> Life:
    """Return a job whose roles all run, and that trains."""
    life = Life(a_job(mode, **spec))
    life.look(6, 1.0)
    life.says("Training", round=2, live=3, answered=3, epoch=1, accuracy_basis_points=8000, transferred_bytes=1000)
    life.look(1, 1.0)
    return life
