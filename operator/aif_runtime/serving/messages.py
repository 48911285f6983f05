"""Requests and answers as JSON: a short form, and that of the Open Inference Protocol, version 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from aif_runtime.serving.errors import InvalidRequest

Values = NDArray[np.float32]
Json = dict[str, Any]

DATATYPE = "FP32"
MOST_ROWS = 1024
"""A request may bring so many inputs at once."""


def document(body: bytes) -> Json:
    """Return the JSON object of a body; InvalidRequest where it is none."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidRequest(f"the body is a JSON {type(found).__name__}, an object is expected")
    return found


def short_input(asked: Mapping[str, Any], shape: tuple[int, ...]) -> Values:
    """Return the input of `{"input": [...]}`: one flat list of numbers, or a list of such; shape (rows, *shape)."""
    if "input" not in asked:
        raise InvalidRequest("the field is missing", "input")
    return _rows(_floats(asked["input"], "input"), shape, "input")


def short_output(outputs: Values) -> Json:
    """Return the answer in the short form: a list of numbers per input."""
    return {"output": outputs.reshape(len(outputs), -1).tolist()}


def tensor_input(asked: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> Values:
    """Return the one tensor of a request in the Open Inference Protocol; shape (rows, *shape)."""
    inputs = asked.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise InvalidRequest("a list with one tensor is expected", "inputs")
    tensor = inputs[0]
    for field, wanted in (("name", name), ("datatype", DATATYPE)):
        if tensor.get(field) != wanted:
            raise InvalidRequest(f"{wanted!r} is expected, not {tensor.get(field)!r}", f"inputs[0].{field}")
    values = _floats(tensor.get("data"), "inputs[0].data")
    if tensor.get("shape") != [values.size // _size(shape), *shape]:
        raise InvalidRequest(
            f"{['rows', *shape]} is expected for the data given, not {tensor.get('shape')!r}", "inputs[0].shape"
        )
    return _rows(values, shape, "inputs[0].data")


def tensor_output(outputs: Values, model: str, name: str, request_id: object) -> Json:
    """Return the answer in the Open Inference Protocol."""
    tensor = {"name": name, "datatype": DATATYPE, "shape": list(outputs.shape), "data": outputs.ravel().tolist()}
    told = {"model_name": model, "outputs": [tensor]}
    return told | ({"id": request_id} if isinstance(request_id, str) else {})


def _floats(found: object, field: str) -> Values:
    try:
        values = np.asarray(found, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidRequest("a list of numbers is expected", field) from error
    if values.ndim == 0 or not np.isfinite(values).all():
        raise InvalidRequest("a list of finite numbers is expected", field)
    return values


def _rows(values: Values, shape: tuple[int, ...], field: str) -> Values:
    each = _size(shape)
    rows, rest = divmod(values.size, each)
    if rest or not 0 < rows <= MOST_ROWS:
        raise InvalidRequest(f"{values.size} numbers do not make 1 to {MOST_ROWS} inputs of {each}", field)
    return values.reshape(rows, *shape)


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))
