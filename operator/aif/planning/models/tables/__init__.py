"""Tables of models that are known by name: a row per layer, derived from the published architectures.

They are committed beside this module; ``make generate`` derives them anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any, Final

from aif.errors import InvalidInput, InvalidSpec
from aif.planning.models.architectures import ARCHITECTURES
from aif.planning.models.graph import Layer, ModelGraph, Window

PIXELS: Final = 224
"""Rows and columns of the input that the committed tables are for."""

NAMES: Final = tuple(sorted(ARCHITECTURES))
"""Models of which a table is committed."""


@cache
def built_in(name: str) -> ModelGraph:
    """Return the committed table of the model ``name``, for an image of 224 rows and columns.

    Raises:
        InvalidInput: There is none of this name.
    """
    if name not in NAMES:
        raise InvalidInput(f"there is no table of a model {name}; there are: {', '.join(NAMES)}")
    return of_text(files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8"))


def derived(name: str, pixels: int = PIXELS) -> ModelGraph:
    """Return the table of the model ``name`` as its architecture says, for ``pixels`` rows and columns.

    Raises:
        InvalidInput: There is no architecture of this name, or the image is too small for its layers.
    """
    if name not in NAMES:
        raise InvalidInput(f"there is no architecture {name}; there are: {', '.join(NAMES)}")
    try:
        graph = ARCHITECTURES[name](pixels)
    except InvalidSpec as error:
        raise InvalidInput(f"an image of {pixels} rows and columns is too small for {name}") from error
    return graph


def text_of(graph: ModelGraph) -> str:
    """Return ``graph`` as the text of a table: JSON, a line per layer."""
    rows = ",\n".join(f"    {json.dumps(_row(layer))}" for layer in graph.layers)
    return f'{{\n  "name": {json.dumps(graph.name)},\n  "layers": [\n{rows}\n  ]\n}}\n'


def of_text(text: str) -> ModelGraph:
    """Return the model whose table ``text`` is."""
    table = json.loads(text)
    return ModelGraph(table["name"], tuple(_layer(row) for row in table["layers"]))


def _row(layer: Layer) -> dict[str, Any]:
    row = asdict(layer)
    figures = {key: int(row[key]) for key in ("flop", "elements", "parameters")}
    return row | figures | {"inputs": list(layer.inputs)}


def _layer(row: Mapping[str, Any]) -> Layer:
    window = row["window"]
    figures = {key: float(row[key]) for key in ("flop", "elements", "parameters")}
    return Layer(
        name=row["name"],
        kind=row["kind"],
        inputs=tuple(row["inputs"]),
        rows=row["rows"],
        window=None if window is None else Window(**window),
        **figures,
    )
