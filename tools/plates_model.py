"""Makes the small ONNX model of the inference server, or with --check says whether the committed file is that one.

Usage: ``python tools/plates_model.py [--check]``

A convolutional network on grey pictures of 8 x 8 pixels with ten classes. Its weights are drawn from a fixed seed, not
learned: it costs what a network of its size costs, and its answers mean nothing.
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

PATH = Path(__file__).resolve().parent.parent / "operator" / "aif_runtime" / "models" / "plates.onnx"
SIDE, CLASSES = 8, 10
CHANNELS = (1, 16, 32, 32)
"""Of the picture and behind each convolution of 3 x 3; the second is followed by a pooling to half the side."""

_SEED, _OPSET, _IR_VERSION = 7, 17, 8
_KERNEL = 3

Weights = NDArray[np.float32]


def flops() -> int:
    """Operations of one run on one picture: two per multiplication with a weight."""
    sides = (SIDE, SIDE, SIDE // 2)
    layers = zip(sides, CHANNELS[:-1], CHANNELS[1:], strict=True)
    convolutions = sum(2 * side**2 * _KERNEL**2 * before * after for side, before, after in layers)
    return convolutions + 2 * CHANNELS[-1] * CLASSES


def make() -> ModelProto:
    """The model; the same bytes each time."""
    draw = np.random.default_rng(_SEED)
    shapes = {
        **{
            f"conv{number}": (after, before, _KERNEL, _KERNEL)
            for number, (before, after) in enumerate(pairwise(CHANNELS))
        },
        "classes": (CLASSES, CHANNELS[-1]),
    }
    weights = [numpy_helper.from_array(_drawn(draw, shape), f"{name}.weight") for name, shape in shapes.items()]
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["rows", CHANNELS[0], SIDE, SIDE])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", CLASSES])
    graph = helper.make_graph(_nodes(), "plates", [picture], [scores], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    helper.set_model_props(model, {"flops": str(flops())})
    onnx.checker.check_model(model)
    return model


def _drawn(draw: np.random.Generator, shape: tuple[int, ...]) -> Weights:
    """Weights of a size that lets the values behind each layer stay about as large as before it."""
    spread = np.sqrt(6.0 / np.prod(shape[1:]))
    return np.asarray((2 * draw.random(shape) - 1) * spread, dtype=np.float32)


def _nodes() -> list[NodeProto]:
    nodes, at = [], "picture"
    for number in range(len(CHANNELS) - 1):
        nodes.append(helper.make_node("Conv", [at, f"conv{number}.weight"], [f"conv{number}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"conv{number}"], [f"relu{number}"]))
        at = f"relu{number}"
        if number == 1:
            nodes.append(helper.make_node("MaxPool", [at], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]))
            at = "pooled"
    nodes.append(helper.make_node("GlobalAveragePool", [at], ["averaged"]))
    nodes.append(helper.make_node("Flatten", ["averaged"], ["features"]))
    nodes.append(helper.make_node("Gemm", ["features", "classes.weight"], ["scores"], transB=1))
    return nodes


def main() -> int:
    """Write the file, or compare it; 1 where it is another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, end with 1 where the file is another")
    if not parser.parse_args().check:
        PATH.write_bytes(make().SerializeToString(deterministic=True))
        print(f"{PATH.name}: {PATH.stat().st_size} bytes, {flops()} operations per run")
        return 0
    same = PATH.exists() and onnx.load(PATH) == make()
    print(f"{PATH.name} is {'up to date' if same else 'not what tools/plates_model.py makes: run `make generate`'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
