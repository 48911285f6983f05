"""What each layer of a model costs, as a table that the planner reads."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from aif_runtime.learning.learner import LayerFigures

_BYTES = 4


def table(name: str, layers: Sequence[LayerFigures]) -> str:
    """Return a model's table as JSON, a line per layer, in the form of the planner's own tables."""
    rows = ",\n".join(
        f"    {json.dumps({**asdict(layer), 'inputs': list(layer.inputs), 'window': None})}" for layer in layers
    )
    return f'{{\n  "name": {json.dumps(name)},\n  "layers": [\n{rows}\n  ]\n}}\n'


def cuts(layers: Sequence[LayerFigures], legal: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Return what each cut leaves below it: FLOP of an inference, bytes that cross, bytes of parameters and tensors.

    ``legal`` names the cuts there are, ends included; None for one after each layer.
    """
    ends = (layers[0].name, layers[-1].name)
    found: list[dict[str, Any]] = []
    flop = parameters = live = 0
    for place, layer in enumerate(layers):
        flop += layer.flop
        parameters += layer.parameters
        before = layers[place - 1].elements if place else 0
        live = max(live, _BYTES * (before + layer.elements))
        if legal is not None and layer.name not in (*ends, *legal):
            continue
        found.append(
            {
                "cut": layer.name,
                "flop": flop,
                "activationBytes": _BYTES * layer.elements,
                "parameterBytes": _BYTES * parameters,
                "liveBytes": live,
            }
        )
    return found
