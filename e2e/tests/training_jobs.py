"""What a test sees of TrainingJobs and of what the operator makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from rest import Json, Rest, eventually
from services import condition

MODES: Final[dict[str, Json]] = {
    "Centralized": {},
    "Federated": {"clients": 3},
    "Split": {"clients": 3, "privacy": {"kAnonymity": 2}},
    "TwoLevel": {
        "groups": [{"name": "a", "clients": 2, "cut": "fc2"}, {"name": "b", "clients": 2, "cut": "fc1"}],
        "privacy": {"kAnonymity": 2},
    },
    "Distillation": {
        "distillation": {"teacher": {"claimName": "models", "path": "m.safetensors"}, "model": {"name": "mlp-5"}}
    },
    "Compression": {"compression": {"source": {"claimName": "models", "path": "m.safetensors"}, "methods": ["Int8"]}},
}
"""What each mode asks for besides."""


def a_training_job(name: str, mode: str = "Federated", **spec: Any) -> Json:
    """Return a TrainingJob over the digits that asks for little."""
    told = {
        "mode": mode,
        "model": {"name": "mlp-3"},
        "data": {"source": "Digits"},
        "workload": {"image": "learner:1", "resources": {"cpu": "100m", "memory": "64Mi"}},
        "output": {"claimName": "models"},
    }
    return {
        "apiVersion": "net4ai.io/v1alpha1",
        "kind": "TrainingJob",
        "metadata": {"name": name},
        "spec": told | MODES[mode] | spec,
    }


@dataclass(frozen=True, slots=True)
class TrainingJobs:
    """The TrainingJobs of one namespace."""

    rest: Rest
    namespace: str

    def apply(self, document: Json) -> Json:
        """Apply a TrainingJob server-side, as its user."""
        return self.rest.apply("trainingjobs", document, self.namespace)

    def get(self, name: str) -> Json:
        """Return a TrainingJob."""
        found = self.rest.get("trainingjobs", name, self.namespace)
        assert found is not None, f"there is no TrainingJob {name}"
        return found

    def remove(self, name: str) -> None:
        """Delete a job."""
        self.rest.delete("trainingjobs", name, self.namespace)

    def suspend(self, name: str, *, suspended: bool) -> None:
        """Suspend a job, or let it go on."""
        self.rest.patch("trainingjobs", name, {"spec": {"suspend": suspended}}, self.namespace)

    def annotate(self, name: str, **annotations: str) -> None:
        """Set annotations of the group on a job."""
        told = {f"net4ai.io/{key}": value for key, value in annotations.items()}
        self.rest.patch("trainingjobs", name, {"metadata": {"annotations": told}}, self.namespace)

    def await_condition(self, name: str, kind: str, status: str, reason: str = "", within_s: float = 60.0) -> Json:
        """Return a condition once it has this status (and reason)."""

        def holds() -> Json:
            told = condition(self.get(name), kind)
            assert told["status"] == status, f"{kind} is {told}"
            assert reason in ("", told["reason"]), f"{kind} is {told}"
            return told

        return eventually(holds, f"TrainingJob {name} is {kind}={status} {reason}", within_s)

    def children(self, plural: str, name: str) -> dict[str, Json]:
        """Return the objects of a kind that the operator made for a job, by role."""
        found = self.rest.list(plural, self.namespace, **{"net4ai.io/job": name})
        return {one["metadata"]["labels"]["net4ai.io/role"]: one for one in found}

    def pods(self, name: str, role: str = "") -> list[Json]:
        """Return the pods of a job, or of one of its roles, that are not on their way out."""
        labels = {"net4ai.io/job": name} | ({"net4ai.io/role": role} if role else {})
        found = self.rest.list("pods", self.namespace, **labels)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def nodes(self, name: str, role: str) -> set[str]:
        """Return the ComputeNodes that a role was placed on."""
        placements = self.get(name).get("status", {}).get("placements") or []
        return {each["node"] for each in placements if each["role"] == role}

    def events(self, name: str) -> list[str]:
        """Return the reasons of the events on a job."""
        listed = self.rest.list("events", self.namespace)
        return [event["reason"] for event in listed if event.get("regarding", {}).get("name") == name]


def make_claim(rest: Rest, namespace: str) -> None:
    """Make a volume that every node reaches, and the claim `models` that is bound to it."""
    common = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    volume = {
        "capacity": {"storage": "1Gi"},
        "persistentVolumeReclaimPolicy": "Retain",
        "nfs": {"server": "none", "path": "/"},
    }
    rest.create("persistentvolumes", {"metadata": {"name": namespace}, "spec": {**common, **volume}})
    wanted = {**common, "volumeName": namespace, "resources": {"requests": {"storage": "1Gi"}}}
    rest.create("persistentvolumeclaims", {"metadata": {"name": "models"}, "spec": wanted}, namespace)
