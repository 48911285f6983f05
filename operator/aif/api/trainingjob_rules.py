"""What the fields of a TrainingJob ask of one another, and that they stay as they were created."""

from __future__ import annotations

from typing import Final

from aif.api.base import cel

_IN_TWO_LEVELS: Final = "(self.mode == 'TwoLevel')"

_MODES: Final = cel(
    (
        "!has(self.split) || self.mode in ['Split', 'TwoLevel']",
        "split is given only where mode is Split or TwoLevel",
    ),
    (
        f"{_IN_TWO_LEVELS} == (has(self.groups) && self.groups.size() > 0)",
        "groups are given if and only if mode is TwoLevel",
    ),
    (
        "(self.mode == 'Distillation') == has(self.distillation)",
        "distillation is given if and only if mode is Distillation",
    ),
    (
        "(self.mode == 'Compression') == has(self.compression)",
        "compression is given if and only if mode is Compression",
    ),
    (
        "has(self.clients) == (self.mode in ['Federated', 'Split'])",
        "clients is given if and only if mode is Federated or Split; in TwoLevel groups have them",
    ),
    (
        "!self.privacy.forbidRawInput || !has(self.split) || self.split.cut != 'Input'",
        "privacy.forbidRawInput excludes split.cut Input",
    ),
    (
        (
            "!self.privacy.forbidRawInput || !has(self.groups) || "
            "self.groups.all(group, !has(group.cut) || group.cut != 'Input')"
        ),
        "privacy.forbidRawInput excludes groups.cut Input",
    ),
    (
        "self.privacy.reencryption == 'None' || self.mode in ['Split', 'TwoLevel']",
        "privacy.reencryption is None unless mode is Split or TwoLevel: others have no forwarding plane",
    ),
    (
        f"!{_IN_TWO_LEVELS} || self.privacy.kAnonymity >= 2",
        "privacy.kAnonymity must be at least 2 where mode is TwoLevel",
    ),
    (
        "!has(self.groups) || self.groups.all(group, group.clients >= self.privacy.kAnonymity)",
        "groups.clients must be at least privacy.kAnonymity in each group",
    ),
    (
        "!has(self.clients) || self.clients >= self.privacy.kAnonymity",
        "clients must be at least privacy.kAnonymity",
    ),
    (
        (
            f"!{_IN_TWO_LEVELS} || !has(self.quorum.minClients) || !has(self.groups) || "
            "(self.quorum.minClients >= self.groups.size() * self.privacy.kAnonymity && "
            "self.quorum.minClients <= self.groups.map(group, group.clients).sum())"
        ),
        "quorum.minClients must be at least groups times privacy.kAnonymity, and at most all clients of groups",
    ),
    (
        "!has(self.clients) || !has(self.quorum.minClients) || self.quorum.minClients <= self.clients",
        "quorum.minClients must not exceed clients",
    ),
    (
        "self.data.source != 'Own' || has(self.model.entryPoint)",
        "data.source Own needs model.entryPoint, whose function returns the data",
    ),
    (
        "self.workers == 1 || self.mode == 'Centralized'",
        "workers may be more than 1 only where mode is Centralized",
    ),
    (
        "self.workers == 1 || self.model.backend != 'NumPy'",
        "workers above 1 learn together only with PyTorch: leave model.backend out, or set it to PyTorch",
    ),
    (
        "self.workers == 1 || self.tls == 'None'",
        "workers above 1 need tls None: what they send one another is not encrypted",
    ),
    (
        "(self.tls == 'CertManager') == has(self.issuerRef)",
        "issuerRef is given if and only if tls is CertManager",
    ),
    (
        "!has(self.validation) || self.mode != 'Compression'",
        "validation excludes mode Compression, whose report judges each model",
    ),
    (
        (
            "self.mode in ['Federated', 'Split', 'TwoLevel'] || !has(self.autonomy.approvalSteps) || "
            "!('RiseTier' in self.autonomy.approvalSteps)"
        ),
        "autonomy.approvalSteps has RiseTier only where mode is Federated, Split or TwoLevel",
    ),
)

_ALWAYS_THERE: Final = (
    "mode",
    "model",
    "data",
    "workers",
    "rounds",
    "training",
    "strategy",
    "privacy",
    "placement",
    "qos",
    "autonomy",
    "workload",
    "seed",
    "stop",
    "quorum",
    "output",
    "tls",
    "managedBy",
)
_SOMETIMES_THERE: Final = (
    "clients",
    "split",
    "groups",
    "distillation",
    "compression",
    "issuerRef",
    "start",
    "validation",
    "variants",
    "priorityClassName",
    "ttlSecondsAfterFinished",
)


def _unchanged(name: str) -> tuple[str, str]:
    message = f"{name} cannot be changed, only suspend can: delete the job and create it anew"
    if name in _ALWAYS_THERE:
        return f"self.{name} == oldSelf.{name}", message
    return f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || self.{name} == oldSelf.{name})", message


SPEC_RULES: Final = cel(
    *((rule["rule"], rule["message"]) for rule in _MODES["x-kubernetes-validations"]),
    *map(_unchanged, (*_ALWAYS_THERE, *_SOMETIMES_THERE)),
)
"""CEL rules over the whole spec."""
