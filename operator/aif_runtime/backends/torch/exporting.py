"""A module of PyTorch as ONNX."""

from __future__ import annotations

import logging
import warnings

import torch
from torch import nn

from aif_runtime.learning.exporting import finished


def exported(model: nn.Module, shape: tuple[int, ...], flop: int) -> bytes:
    """Return a module as ONNX for any number of inputs of a shape; ``flop`` goes into the metadata.

    Raises:
        InvalidRole: ONNX is not installed.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    model.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the exporter warns of is its own affair
        program = torch.onnx.export(
            model,
            (torch.zeros((2, *shape)),),
            input_names=["x"],
            output_names=["y"],
            dynamic_shapes=({0: torch.export.Dim("rows")},),
            dynamo=True,
            verbose=False,
        )
    return finished(program.model_proto, flop)
