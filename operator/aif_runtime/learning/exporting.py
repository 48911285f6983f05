"""Models as ONNX: what the server role of this package, and every other runtime for ONNX, can serve."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from aif_runtime.learning.arrays import Array
from aif_runtime.learning.compression import INT8, SCALE
from aif_runtime.learning.errors import InvalidRole

if TYPE_CHECKING:
    import onnx

FLOPS: Final = "flops"
"""Key of the metadata that says how many operations one run on one input takes."""

_OPSET: Final = 18
_IR: Final = 10


def _onnx() -> Any:  # noqa: ANN401 - a module
    try:
        import onnx.helper  # noqa: PLC0415 - only whoever exports needs it
        import onnx.numpy_helper  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise InvalidRole("output.onnx: needs the package onnx, which is not installed") from error
    return onnx


def finished(model: onnx.ModelProto, flop: int) -> bytes:
    """Return a model as bytes, with the operations of one run in its metadata; checked."""
    onnx = _onnx()
    onnx.helper.set_model_props(model, {FLOPS: str(flop)})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def perceptron(state: Mapping[str, Array], widths: tuple[int, ...], flop: int) -> bytes:
    """Return a perceptron with layers `fc1`, `relu1` ... as ONNX.

    Raises:
        InvalidRole: The package onnx is not installed.
    """
    onnx = _onnx()
    nodes, last = [], "x"
    for index, _ in enumerate(pairwise(widths), start=1):
        final = index == len(widths) - 1
        inputs, output = [last, f"fc{index}.weight", f"fc{index}.bias"], "y" if final else f"fc{index}"
        nodes.append(onnx.helper.make_node("Gemm", inputs, [output], f"fc{index}", transB=1))
        last = output
        if not final:
            last = f"relu{index}"
            nodes.append(onnx.helper.make_node("Relu", [output], [last], last))
    real = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "perceptron",
        [onnx.helper.make_tensor_value_info("x", real, ["rows", widths[0]])],
        [onnx.helper.make_tensor_value_info("y", real, ["rows", widths[-1]])],
        [onnx.numpy_helper.from_array(array, name) for name, array in sorted(state.items())],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", _OPSET)], ir_version=_IR)
    return finished(model, flop)


def with_eight_bits(exported: bytes, stored: Mapping[str, Array]) -> bytes:
    """Return a model whose matrices are 8-bit numbers with a scale per row, restored as they are used.

    Raises:
        InvalidRole: The model keeps none of these matrices under its name.
    """
    onnx = _onnx()
    model = onnx.ModelProto.FromString(exported)
    plain = {one.name: one for one in model.graph.initializer}
    names = [name.removesuffix(INT8) for name in stored if name.endswith(INT8)]
    names = [name for name in names if name in plain]
    if not names:
        raise InvalidRole("output.onnx: the model keeps no matrix under its own name, so that none can have 8 bits")
    for place, name in enumerate(names):
        plain[name].CopyFrom(onnx.numpy_helper.from_array(stored[f"{name}{INT8}"], f"{name}{INT8}"))
        scale = onnx.numpy_helper.from_array(stored[f"{name}{SCALE}"], f"{name}{SCALE}")
        model.graph.initializer.append(scale)
        inputs = [f"{name}{INT8}", f"{name}{SCALE}"]
        model.graph.node.insert(place, onnx.helper.make_node("DequantizeLinear", inputs, [name], name, axis=0))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
