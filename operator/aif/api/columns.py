"""The columns of ``kubectl get``: what a person wants to know at a glance, and more of it with ``-o wide``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, the JSONPath of its value, the type of it, and whether only ``-o wide`` shows it."""

    name: str
    path: str
    description: str
    type: str = "string"
    wide: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the column as a CustomResourceDefinition spells it."""
        column = {"name": self.name, "type": self.type, "description": self.description, "jsonPath": self.path}
        return column | ({"priority": 1} if self.wide else {})


def _condition(name: str, member: str) -> str:
    return f'.status.conditions[?(@.type=="{name}")].{member}'


_AGE: Final = Column("Age", ".metadata.creationTimestamp", "Time since the object was created.", "date")

AISERVICE_COLUMNS: Final = (
    Column("Type", ".spec.serviceType", "What the service does."),
    Column("Node", ".status.summary.node", "ComputeNodes that serve."),
    Column("Tier", ".status.summary.tier", "Tiers of these nodes."),
    Column("Ready", _condition("Ready", "status"), "Whether the service answers."),
    Column("QoS", _condition("QoSMet", "status"), "Whether the hard dimensions of the contract are met."),
    Column("Reason", _condition("Ready", "reason"), "Why it is ready, or not."),
    _AGE,
    Column("Predicted", ".status.summary.predicted", "Latency predicted at the decision.", wide=True),
    Column("Target", ".status.summary.target", "Latency target.", wide=True),
    Column("Migrations", ".status.summary.migrations", "Moves so far.", "integer", wide=True),
    Column("URL", ".status.url", "Where the service answers.", wide=True),
    Column("Message", _condition("Ready", "message"), "The reason in words.", wide=True),
)

COMPUTENODE_COLUMNS: Final = (
    Column("Tier", ".spec.tier", "Where the node stands in the network."),
    Column("Accelerator", ".status.summary.accelerator", "Number and product of its accelerators."),
    Column("TFLOPS", ".status.summary.teraflops", "Peak rate of all devices at FP32, in TFLOP/s."),
    Column("Services", ".status.reserved.services", "AIServices placed on it.", "integer"),
    Column("Ready", _condition("Ready", "status"), "Whether it can serve."),
    _AGE,
    Column("Origin", ".spec.origin", "InNetwork or External.", wide=True),
    Column("Node", ".spec.nodeName", "Kubernetes Node behind it.", wide=True),
    Column("Schedulable", _condition("Schedulable", "status"), "Whether new services may come.", wide=True),
    Column("Efficiency", ".status.observed.efficiencyPercent", "Attained share of its peak.", "integer", wide=True),
    Column("Power", ".status.summary.power", "Power of all devices under full load.", wide=True),
    Column("Reason", _condition("Ready", "reason"), "Why it is ready, or not.", wide=True),
)

TRAININGJOB_COLUMNS: Final = (
    Column("Mode", ".spec.mode", "How it learns."),
    Column("State", ".status.summary.state", "What it is at."),
    Column("Round", ".status.summary.round", "Rounds done of all."),
    Column("Clients", ".status.summary.clients", "Live clients of all."),
    Column("Metric", ".status.summary.metric", "Accuracy after the last round."),
    _AGE,
    Column("Cut", ".status.summary.cut", "Where models are parted.", wide=True),
    Column("Target", ".status.summary.target", "Accuracy at which it is done.", wide=True),
    Column("Remaining", ".status.summary.remaining", "Time to the last round.", wide=True),
    Column("Reason", _condition("Ready", "reason"), "Why it is ready, or not.", wide=True),
    Column("Message", _condition("Ready", "message"), "The reason in words.", wide=True),
)
