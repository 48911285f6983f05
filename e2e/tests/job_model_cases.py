"""The CEL rules of a TrainingJob about its model, its workers and its certificates; see `job_rule_cases`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from documents import ABSENT

Changes = Mapping[str, Any]

_OF_MODELS: Final[tuple[tuple[str, Changes, Changes], ...]] = (
    ("needs exactly one of name, entryPoint", {"hidden": []}, {"entryPoint": "own:made", "hidden": []}),
    (
        "backend and hidden are of built-in models: leave them out where entryPoint is given",
        {"name": ABSENT, "entryPoint": "own:made", "hidden": [], "backend": "Auto"},
        {"name": ABSENT, "entryPoint": "own:made", "hidden": [], "backend": "PyTorch"},
    ),
    (
        "backend NumPy has only mlp-N and blood-pressure: leave it out, or set it to PyTorch",
        {"name": "blood-pressure", "hidden": [], "backend": "NumPy"},
        {"name": "cnn", "hidden": [], "backend": "NumPy"},
    ),
)
"""What the rules of a model say, with what just passes and what just does not."""

MODEL_ROWS: Final[tuple[tuple[str, str, str, Changes, Changes], ...]] = (
    (
        "TrainingJob-own",
        "spec",
        "data.source Own needs model.entryPoint, whose function returns the data",
        {"spec.data": {"source": "Own"}},
        {"spec.model": {"name": "mlp-3"}},
    ),
    (
        "TrainingJob-workers",
        "spec",
        "workers may be more than 1 only where mode is Centralized",
        {"spec.mode": "Federated", "spec.clients": 2, "spec.workers": 1},
        {"spec.mode": "Federated", "spec.clients": 2, "spec.workers": 2},
    ),
    (
        "TrainingJob-workers",
        "spec",
        "workers above 1 learn together only with PyTorch: leave model.backend out, or set it to PyTorch",
        {"spec.model": {"name": "mlp-3", "backend": "PyTorch"}},
        {"spec.model": {"name": "mlp-3", "backend": "NumPy"}},
    ),
    (
        "TrainingJob-workers",
        "spec",
        "workers above 1 need tls None: what they send one another is not encrypted",
        {"spec.workers": 1, "spec.tls": "Made"},
        {"spec.workers": 2, "spec.tls": "Made"},
    ),
    (
        "TrainingJob-own",
        "spec",
        "issuerRef is given if and only if tls is CertManager",
        {"spec.tls": "Made", "spec.issuerRef": ABSENT},
        {"spec.issuerRef": ABSENT},
    ),
    *(
        (
            "TrainingJob-distillation",
            place,
            message,
            {f"{place}.{field}": given for field, given in accepted.items()},
            {f"{place}.{field}": given for field, given in refused.items()},
        )
        for place in ("spec.model", "spec.distillation.model")
        for message, accepted, refused in _OF_MODELS
    ),
)
"""Object, place, message, what passes, and what does not."""
