"""The operator's whole decision in a replay: `select` for pods with whole devices or none, as an AIService each."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from openb_cluster import WHOLE, Cluster, Pods
from openb_policies import OPERATOR, AifOnline

from aif.api.aiservice import AIService
from aif.api.computenode import CPU, ComputeNode
from aif.domain.cluster import Node
from aif.planning.demands import MEMORY
from aif.scheduling.asking import count
from aif.scheduling.cycle import select
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable

GPU = "nvidia.com/gpu"
MIB = 2**20


class AifSelect(AifOnline):
    """As the operator decides: all its filters and scores, over the mix of what stands there by now.

    It knows whole devices; a part of one is given out by the same packing score, as in `AifOnline`.
    """

    def __init__(self, cluster: Cluster, pods: Pods, draw: np.random.Generator) -> None:
        super().__init__(cluster, pods, draw)
        self.names = [f"node-{row:05}" for row in range(len(cluster.cores))]
        table = NodeTable.of(
            [_compute_node(name, cluster, row) for row, name in enumerate(self.names)],
            {name: _node(name, cluster, row) for row, name in enumerate(self.names)},
            {},
            Ledger(),
        )
        self.table = replace(table, room=table.room.copy())
        self.service = cache(lambda kind: _service(pods, kind))
        self.able = cache(lambda kind: self.table.only({self.names[row] for row in np.flatnonzero(self._able(kind))}))

    def choose(self, kind: int) -> tuple[int, int] | None:
        """As `Policy` says."""
        chosen = super().choose(kind)
        if self.pods.sharing[kind] or chosen is None:
            return chosen
        anywhere = self.pods.models[kind].all() or not self.pods.count[kind]
        found = select(self.service(kind), self.table if anywhere else self.able(kind), OPERATOR).chosen
        if found is None:
            return None
        count(self.table.room.asked, found.claim, +1.0)
        return self.table.room.rows[found.node], 0

    def changed(self, node: int) -> None:
        """As `Policy` says."""
        super().changed(node)
        for resource, column in _free(self.cluster, node).items():
            self.table.room.free[resource][node] = column

    def _able(self, kind: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.asarray(self.pods.models[kind][self.cluster.model])


def _free(cluster: Cluster, row: int) -> dict[str, float]:
    whole = float(np.count_nonzero(cluster.devices[row] == WHOLE))
    return {CPU: cluster.cores[row] / 1000, MEMORY: float(cluster.memory[row]) * MIB, GPU: whole}


def _node(name: str, cluster: Cluster, row: int) -> Node:
    return Node(name, uid=name, ready="True", allocatable=_free(cluster, row))


def _compute_node(name: str, cluster: Cluster, row: int) -> ComputeNode:
    listed = _free(cluster, row)
    devices = [{"name": "cpu", "type": CPU, "count": max(1, int(listed[CPU]))}]
    if listed[GPU]:
        devices.append({"name": "gpu", "type": GPU, "count": int(listed[GPU])})
    spec = {"tier": "Edge", "origin": "InNetwork", "nodeName": name, "capability": {"devices": devices}}
    return ComputeNode.model_validate({"metadata": {"name": name, "uid": name}, "spec": spec})


def _service(pods: Pods, kind: int) -> AIService:
    """Return the service that asks for what a pod of that class requests, and for nothing else."""
    asked = {"cpu": f"{pods.cores[kind]}m", "memory": f"{pods.memory[kind]}Mi"}
    resources = {name: text for name, text in asked.items() if not text.startswith("0")}
    variant = {"accelerator": GPU, "count": int(pods.count[kind])} if pods.count[kind] else {"accelerator": "None"}
    spec = {
        "serviceType": "Inference",
        "model": {"name": "any"},
        "workload": {"image": "any", "resources": resources},
        "variants": [{"name": "any", **variant}],
    }
    return AIService.model_validate(
        {"metadata": {"name": "pod", "namespace": "openb", "uid": f"pod-{kind}"}, "spec": spec}
    )
