"""For each CEL rule of the kinds an object that just passes and one that just does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from documents import ABSENT
from job_rule_cases import JOB_COMPANIONS, JOB_RULES

Changes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RuleCase:
    """A rule, found by the place of the schema where it stands and by its message.

    Attributes:
        kind: Kind of the object, and behind a hyphen which of those that are complete.
        place: Where the rule stands, with `[]` for the items of a list; empty for the object itself.
        message: What the refusal says; it names the field to change.
        accepted: Changes to the complete object that the rule lets pass.
        refused: Changes that it does not let pass.
        change: Whether the rule is about a change to a stored object.
    """

    kind: str
    place: str
    message: str
    accepted: Changes
    refused: Changes
    change: bool = False

    @property
    def name(self) -> str:
        """The name of the case in a test report."""
        return f"{self.kind}-{self.place or 'object'}-{self.message[:40]}"


def _words(count: int, length: int) -> list[str]:
    return ["a" * length for _ in range(count)]


def _env(length: int) -> list[dict[str, str]]:
    return [{"name": f"X{index}", "value": "a" * length} for index in range(2)]


NO_LATENCY_INPUT = "qos.latency needs load.requestsPerSecond, model.flopsPerRequest and a cut named Input in model.cuts"

OF_AISERVICE: Final = (
    RuleCase(
        "AIService",
        "",
        "metadata.name must have at most 40 characters: lower-case letters, digits and hyphens, a letter first",
        {"metadata.name": "a" * 40},
        {"metadata.name": "a" * 41},
    ),
    RuleCase(
        "AIService",
        "spec.serviceType",
        "serviceType cannot be changed: delete the object and create it anew",
        {"spec.serviceType": "Inference"},
        {"spec.serviceType": "Validation"},
        change=True,
    ),
    RuleCase(
        "AIService",
        "spec",
        "workload is needed unless offload is Local",
        {"spec.workload": ABSENT, "spec.offload": "Local"},
        {"spec.workload": ABSENT},
    ),
    RuleCase(
        "AIService",
        "spec",
        "offload Auto and Local need ue.peakFlops and model.flopsPerRequest",
        {"spec.offload": "Auto"},
        {"spec.offload": "Auto", "spec.ue.peakFlops": ABSENT},
    ),
    RuleCase(
        "AIService",
        "spec",
        NO_LATENCY_INPUT,
        {"spec.model.cuts": [{"name": "Input", "ueFlops": 0, "dataBits": 1}]},
        {"spec.model.cuts": [{"name": "conv1", "ueFlops": 0, "dataBits": 1}]},
    ),
    RuleCase(
        "AIService",
        "spec",
        "qos.latency with indicator OutputToken needs load.requestsPerSecond and model.generation",
        {"spec.qos.latency.indicator": "OutputToken"},
        {"spec.qos.latency.indicator": "OutputToken", "spec.model.generation": ABSENT},
    ),
    RuleCase(
        "AIService",
        "spec",
        "qos.energy needs model.flopsPerRequest and a cut named Input in model.cuts",
        {"spec.qos.latency": ABSENT},
        {"spec.qos.latency": ABSENT, "spec.model.flopsPerRequest": ABSENT, "spec.model.exits": []},
    ),
    RuleCase(
        "AIService",
        "spec",
        "qos.accuracy needs model.accuracyBasisPoints, or accuracyBasisPoints of every variant",
        {"spec.model.accuracyBasisPoints": ABSENT, "spec.model.exits": []},
        {
            "spec.model.accuracyBasisPoints": ABSENT,
            "spec.model.exits": [],
            "spec.variants[0].accuracyBasisPoints": ABSENT,
        },
    ),
    RuleCase(
        "AIService",
        "spec.placement.nodeSelector",
        "keys must be label names such as topology.kubernetes.io/zone, of at most 317 characters",
        {"spec.placement.nodeSelector": {"a" * 253 + "/" + "b" * 63: "v"}},
        {"spec.placement.nodeSelector": {"not a label": "v"}},
    ),
    RuleCase(
        "AIService",
        "spec.qos",
        "at least one dimension needs a weight above 0",
        {"spec.qos": {"availability": {"minPpm": 1, "weight": 1}, "compute": {"weight": 0}}},
        {"spec.qos": {"availability": {"minPpm": 1, "weight": 0}, "compute": {"weight": 0}}},
    ),
    RuleCase(
        "AIService",
        "spec.autonomy",
        "approvalSteps are named if and only if level is Partial",
        {"spec.autonomy": {"level": "Full"}},
        {"spec.autonomy.level": "Full"},
    ),
    RuleCase(
        "AIService",
        "spec.model",
        "model.exits need model.accuracyBasisPoints and model.flopsPerRequest",
        {"spec.model.exits": [], "spec.model.accuracyBasisPoints": ABSENT, "spec.qos.accuracy": ABSENT},
        {"spec.model.accuracyBasisPoints": ABSENT, "spec.qos.accuracy": ABSENT},
    ),
    RuleCase(
        "AIService",
        "spec.workload.command",
        "entries together must have at most 512 characters",
        {"spec.workload.command": _words(2, 256)},
        {"spec.workload.command": _words(2, 257)},
    ),
    RuleCase(
        "AIService",
        "spec.workload.args",
        "entries together must have at most 1536 characters",
        {"spec.workload.args": _words(3, 512)},
        {"spec.workload.args": [*_words(3, 512), "a"]},
    ),
    RuleCase(
        "AIService",
        "spec.workload.env",
        "value of all entries together must have at most 1536 characters",
        {"spec.workload.env": _env(768)},
        {"spec.workload.env": _env(769)},
    ),
    RuleCase(
        "AIService",
        "spec.workload.env[]",
        "needs exactly one of value, secretKey, configMapKey",
        {"spec.workload.env": [{"name": "X", "value": ""}]},
        {"spec.workload.env": [{"name": "X", "value": "", "secretKey": {"name": "s", "key": "k"}}]},
    ),
    RuleCase(
        "AIService",
        "spec.workload.volumes[]",
        "needs exactly one of claimName, configMapName, secretName, memory",
        {"spec.workload.volumes": [{"name": "x", "mountPath": "/x", "claimName": "c"}]},
        {"spec.workload.volumes": [{"name": "x", "mountPath": "/x"}]},
    ),
    RuleCase(
        "AIService",
        "spec.workload.volumes",
        "no mountPath may stand twice",
        {"spec.workload.volumes[1].mountPath": "/other"},
        {"spec.workload.volumes[1].mountPath": "/models"},
    ),
    RuleCase(
        "AIService",
        "spec.variants[].accelerator",
        "must be None, or an extended resource such as nvidia.com/gpu",
        {"spec.variants[0].accelerator": "None"},
        {"spec.variants[0].accelerator": "cpu"},
    ),
    RuleCase(
        "AIService",
        "spec.variants[].args",
        "entries together must have at most 512 characters",
        {"spec.variants[0].args": _words(2, 256)},
        {"spec.variants[0].args": _words(2, 257)},
    ),
    RuleCase(
        "AIService",
        "spec.evaluation",
        "fastWindowSeconds must not exceed windowSeconds",
        {"spec.evaluation.fastWindowSeconds": 300},
        {"spec.evaluation.fastWindowSeconds": 301},
    ),
    RuleCase(
        "AIService",
        "spec.migration",
        "verifySeconds and drainSeconds together must be less than timeoutSeconds",
        {"spec.migration.timeoutSeconds": 91},
        {"spec.migration.timeoutSeconds": 90},
    ),
)

OF_COMPUTENODE: Final = (
    RuleCase(
        "ComputeNode",
        "",
        "spec.links.to must not be the node itself",
        {"spec.links[0].to": "another"},
        {"spec.links[0].to": "everything"},
    ),
    RuleCase(
        "ComputeNode",
        "spec",
        "nodeName is needed when origin is InNetwork",
        {"spec.nodeName": ABSENT},
        {"spec.nodeName": ABSENT, "spec.origin": "InNetwork", "spec.provider": ABSENT},
    ),
    RuleCase(
        "ComputeNode",
        "spec",
        "provider is given if and only if origin is External",
        {"spec.origin": "InNetwork", "spec.provider": ABSENT},
        {"spec.provider": ABSENT},
    ),
    RuleCase(
        "ComputeNode",
        "spec.origin",
        "origin cannot be changed: delete the object and create it anew",
        {"spec.origin": "External"},
        {"spec.origin": "InNetwork", "spec.provider": ABSENT},
        change=True,
    ),
    RuleCase(
        "ComputeNode",
        "spec.capability.devices[].type",
        "must be cpu, or an extended resource such as nvidia.com/gpu",
        {"spec.capability.devices[0].type": "cpu"},
        {"spec.capability.devices[0].type": "gpu"},
    ),
    RuleCase(
        "ComputeNode",
        "spec.capability.devices[].power",
        "idleWatts must not exceed maxWatts",
        {"spec.capability.devices[0].power": {"idleWatts": 50, "maxWatts": 50}},
        {"spec.capability.devices[0].power": {"idleWatts": 51, "maxWatts": 50}},
    ),
)

OF_TRAININGJOB: Final = tuple(RuleCase(*case) for case in JOB_RULES)

RULE_CASES: Final = OF_AISERVICE + OF_COMPUTENODE + OF_TRAININGJOB

COMPANIONS: Final[dict[tuple[str, Any], Changes]] = {
    ("spec.autonomy.level", "Full"): {"spec.autonomy.approvalSteps": ABSENT},
    ("spec.autonomy.level", "Manual"): {"spec.autonomy.approvalSteps": ABSENT},
    ("spec.evaluation.windowSeconds", 10): {"spec.evaluation.fastWindowSeconds": 5},
    ("spec.evaluation.fastWindowSeconds", 3600): {"spec.evaluation.windowSeconds": 3600},
    ("spec.migration.verifySeconds", 3600): {"spec.migration.timeoutSeconds": 86400},
    ("spec.migration.drainSeconds", 3600): {"spec.migration.timeoutSeconds": 86400},
    ("spec.migration.timeoutSeconds", 10): {"spec.migration.verifySeconds": 4, "spec.migration.drainSeconds": 4},
    ("spec.origin", "InNetwork"): {"spec.provider": ABSENT},
    **JOB_COMPANIONS,
}
"""What another rule asks for besides, where a value goes to the end of its range."""

ANY_COMPANIONS: Final[dict[str, Changes]] = {
    "spec.model.cuts": {"spec.qos.latency.indicator": "OutputToken", "spec.qos.energy": ABSENT},
    "spec.model.cuts[0].name": {"spec.qos.latency.indicator": "OutputToken", "spec.qos.energy": ABSENT},
}
"""The same for every value of a field: without a cut named Input only a latency per token can be promised."""
