"""The CEL rules of a TrainingJob, each with an object that just passes and one that just does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from documents import ABSENT
from job_model_cases import MODEL_ROWS

Changes = Mapping[str, Any]
Row = tuple[str, str, str, Changes, Changes]

_LABELS: Final = "keys must be label names such as topology.kubernetes.io/zone, of at most 317 characters"
_LONGEST_KEY: Final = "a" * 253 + "/" + "b" * 63
_GPU: Final = {
    "name": "gpu",
    "accelerator": "nvidia.com/gpu",
    "count": 1,
    "deviceMemory": "4Gi",
    "resources": {"cpu": 2, "memory": "4Gi", "ephemeralStorage": "1Gi"},
}
_GROUPS: Final = [{"name": "a", "clients": 4}, {"name": "b", "clients": 4}]

_WITHOUT_VOLUME: Final = {"spec.data.claimName": ABSENT, "spec.data.path": ABSENT, "spec.data.task": ABSENT}
_TEACHER: Final = {"teacher": {"claimName": "models", "path": "m"}, "model": {"name": "mlp-3"}}
_COMPRESSED: Final = {"source": {"claimName": "models", "path": "m"}, "methods": ["Int8"]}

_TIERLESS: Final = {"spec.autonomy.approvalSteps": ["Place"]}

JOB_COMPANIONS: Final[dict[tuple[str, Any], Changes]] = {
    ("spec.mode", "Centralized"): {"spec.clients": ABSENT, **_TIERLESS},
    ("spec.mode", "TwoLevel"): {"spec.clients": ABSENT, "spec.groups": _GROUPS, "spec.privacy.kAnonymity": 2},
    ("spec.mode", "Distillation"): {"spec.clients": ABSENT, "spec.distillation": _TEACHER, **_TIERLESS},
    ("spec.mode", "Compression"): {
        "spec.clients": ABSENT,
        "spec.compression": _COMPRESSED,
        "spec.validation": ABSENT,
        **_TIERLESS,
    },
    **{("spec.data.source", name): _WITHOUT_VOLUME for name in ("Digits", "BreastCancer", "Synthetic", "Images")},
    ("spec.data.source", "Own"): _WITHOUT_VOLUME | {"spec.model": {"entryPoint": "own:made"}},
    ("spec.tls", "CertManager"): {"spec.issuerRef": {"name": "ca"}},
    ("spec.clients", 1): {"spec.quorum.minClients": 1},
    ("spec.privacy.kAnonymity", 1000): {"spec.clients": 1000},
    **{("spec.privacy.reencryption", mode): {"spec.mode": "Split"} for mode in ("PerSession", "PerMessage")},
    ("spec.quorum.minClients", 1000): {"spec.clients": 1000},
}
"""What another rule asks for besides, where a value goes to the end of its range."""

_MODES: Final[tuple[Row, ...]] = (
    (
        "TrainingJob",
        "spec",
        "split is given only where mode is Split or TwoLevel",
        {"spec.mode": "Split", "spec.split": {"cut": "fc2"}},
        {"spec.split": {"cut": "fc2"}},
    ),
    (
        "TrainingJob-groups",
        "spec",
        "groups are given if and only if mode is TwoLevel",
        {"spec.mode": "Split", "spec.groups": ABSENT, "spec.clients": 8},
        {"spec.groups": ABSENT},
    ),
    (
        "TrainingJob-distillation",
        "spec",
        "distillation is given if and only if mode is Distillation",
        {"spec.mode": "Centralized", "spec.distillation": ABSENT},
        {"spec.distillation": ABSENT},
    ),
    (
        "TrainingJob-compression",
        "spec",
        "compression is given if and only if mode is Compression",
        {"spec.mode": "Centralized", "spec.compression": ABSENT},
        {"spec.compression": ABSENT},
    ),
    (
        "TrainingJob",
        "spec",
        "clients is given if and only if mode is Federated or Split; in TwoLevel groups have them",
        {"spec.mode": "Split"},
        {"spec.mode": "Centralized"},
    ),
    (
        "TrainingJob-groups",
        "spec",
        "privacy.forbidRawInput excludes split.cut Input",
        {"spec.split.cut": "Input", "spec.privacy.forbidRawInput": False},
        {"spec.split.cut": "Input"},
    ),
    (
        "TrainingJob-groups",
        "spec",
        "privacy.forbidRawInput excludes groups.cut Input",
        {"spec.groups[0].cut": "Input", "spec.privacy.forbidRawInput": False},
        {"spec.groups[0].cut": "Input"},
    ),
    (
        "TrainingJob",
        "spec",
        "privacy.reencryption is None unless mode is Split or TwoLevel: others have no forwarding plane",
        {"spec.privacy.reencryption": "None"},
        {"spec.privacy.reencryption": "PerSession"},
    ),
    (
        "TrainingJob-groups",
        "spec",
        "privacy.kAnonymity must be at least 2 where mode is TwoLevel",
        {"spec.privacy.kAnonymity": 2},
        {"spec.privacy.kAnonymity": 1},
    ),
    (
        "TrainingJob-groups",
        "spec",
        "groups.clients must be at least privacy.kAnonymity in each group",
        {"spec.privacy.kAnonymity": 4},
        {"spec.privacy.kAnonymity": 5},
    ),
    (
        "TrainingJob",
        "spec",
        "clients must be at least privacy.kAnonymity",
        {"spec.privacy.kAnonymity": 8},
        {"spec.privacy.kAnonymity": 9},
    ),
    (
        "TrainingJob-groups",
        "spec",
        "quorum.minClients must be at least groups times privacy.kAnonymity, and at most all clients of groups",
        {"spec.quorum": {"minClients": 8}},
        {"spec.quorum": {"minClients": 3}},
    ),
    (
        "TrainingJob",
        "spec",
        "quorum.minClients must not exceed clients",
        {"spec.quorum.minClients": 8},
        {"spec.quorum.minClients": 9},
    ),
    (
        "TrainingJob-compression",
        "spec",
        "validation excludes mode Compression, whose report judges each model",
        {
            "spec.mode": "Centralized",
            "spec.compression": ABSENT,
            "spec.validation": {"minAccuracyBasisPoints": 1},
        },
        {"spec.validation": {"minAccuracyBasisPoints": 1}},
    ),
    (
        "TrainingJob",
        "spec",
        "autonomy.approvalSteps has RiseTier only where mode is Federated, Split or TwoLevel",
        {"spec.autonomy": {"level": "Partial", "approvalSteps": ["RiseTier"]}},
        {"spec.mode": "Centralized", "spec.clients": ABSENT, "spec.quorum": ABSENT},
    ),
)

_FIELDS: Final[tuple[Row, ...]] = (
    (
        "TrainingJob",
        "",
        "spec.start.after must not name the job itself",
        {"spec.start": {"after": ["others"]}},
        {"spec.start": {"after": ["everything"]}},
    ),
    (
        "TrainingJob",
        "spec.start",
        "needs after, conditions or event",
        {"spec.start": {"event": "new-data"}},
        {"spec.start": {}},
    ),
    (
        "TrainingJob",
        "",
        "metadata.name must have at most 40 characters: lower-case letters, digits and hyphens, a letter first",
        {"metadata.name": "a" * 40},
        {"metadata.name": "a" * 41},
    ),
    (
        "TrainingJob",
        "spec.data",
        "data.claimName, data.path and data.task are for source Volume, which needs them; Own may have data.claimName",
        {"spec.data": {"source": "Digits"}},
        {"spec.data.task": ABSENT},
    ),
    *(
        (
            "TrainingJob",
            f"spec.placement.{who}.nodeSelector",
            _LABELS,
            {f"spec.placement.{who}.nodeSelector": {_LONGEST_KEY: "v"}},
            {f"spec.placement.{who}.nodeSelector": {"not a label": "v"}},
        )
        for who in ("clients", "localFunctions", "servers")
    ),
    (
        "TrainingJob",
        "spec.autonomy",
        "approvalSteps are named if and only if level is Partial",
        {"spec.autonomy": {"level": "Full"}},
        {"spec.autonomy.level": "Full"},
    ),
    (
        "TrainingJob",
        "spec.workload.env",
        "value of all entries together must have at most 1536 characters",
        {"spec.workload.env": [{"name": f"X{index}", "value": "a" * 768} for index in range(2)]},
        {"spec.workload.env": [{"name": f"X{index}", "value": "a" * 769} for index in range(2)]},
    ),
    (
        "TrainingJob",
        "spec.workload.env[]",
        "needs exactly one of value, secretKey, configMapKey",
        {"spec.workload.env": [{"name": "X", "value": ""}]},
        {"spec.workload.env": [{"name": "X", "value": "", "secretKey": {"name": "s", "key": "k"}}]},
    ),
    (
        "TrainingJob",
        "spec.variants[].accelerator",
        "must be None, or an extended resource such as nvidia.com/gpu",
        {"spec.variants[0].accelerator": "None"},
        {"spec.variants[0].accelerator": "cpu"},
    ),
)


def _kept(path: str, same: Any, other: Any, which: str = "TrainingJob") -> Row:  # noqa: ANN401 - JSON
    field = path.split(".", maxsplit=1)[0]
    message = f"{field} cannot be changed, only suspend can: delete the job and create it anew"
    return which, "spec", message, {f"spec.{path}": same}, {f"spec.{path}": other}


_CHANGES: Final[tuple[Row, ...]] = (
    _kept("mode", "Federated", "Split"),
    _kept("model.name", "mlp-3", "mlp-4"),
    _kept("data.alphaPercent", 50, 25),
    _kept("clients", 8, 9),
    _kept("workers", 4, 5, "TrainingJob-workers"),
    _kept("issuerRef.name", "training", "other", "TrainingJob-own"),
    _kept("rounds.max", 20, 21),
    _kept("training.batchSize", 32, 33),
    _kept("strategy.name", "FedProx", "FedAvg"),
    _kept("split.cut", "Auto", "Output", "TrainingJob-groups"),
    _kept(
        "groups",
        [{"name": "a", "clients": 4, "cut": "fc2"}, {"name": "b", "clients": 4}],
        _GROUPS,
        "TrainingJob-groups",
    ),
    _kept("distillation.temperature", 4, 5, "TrainingJob-distillation"),
    _kept("compression.sharePercent", 80, 81, "TrainingJob-compression"),
    _kept("privacy.kAnonymity", 1, 2),
    _kept("placement.servers.tiers", ["Edge"], ["Core"]),
    _kept("qos.securityLevel", "Medium", "High"),
    _kept("autonomy.approvalSteps", ["RiseTier"], ["Place"]),
    _kept("priorityClassName", "batch", ABSENT),
    _kept("workload.image", "learner:1.0", "learner:1.1"),
    _kept("variants", [_GPU], ABSENT),
    _kept("seed", 7, 8),
    _kept("start.event", "new-data", "others"),
    _kept("validation.minAccuracyBasisPoints", 9000, 9001),
    _kept("stop.deadlineSeconds", 7200, 7201),
    _kept("quorum.minClients", 6, 7),
    _kept("output.claimName", "models", "others"),
    _kept("tls", "Made", "None"),
    _kept("managedBy", "net4ai.io/aif-operator", "kueue.x-k8s.io/multikueue"),
    _kept("ttlSecondsAfterFinished", 86400, ABSENT),
)

JOB_RULES: Final[tuple[tuple[str, str, str, Changes, Changes, bool], ...]] = (
    *((*case, False) for case in (*_FIELDS, *_MODES, *MODEL_ROWS)),
    *((*case, True) for case in _CHANGES),
)
"""Object, place, message, what passes, what does not, and whether the rule is about a change."""
