"""ONNX Runtime on one model, a bounded number of requests at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it carries no types

from aif_runtime.serving.errors import Overloaded
from aif_runtime.serving.messages import Values
from aif_runtime.serving.settings import InvalidSetting

FLOPS_KEY = "flops"
"""Under this key a model's metadata say how many operations one run on one input takes."""


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model with one input and one output; `shape` is that of one input, without the leading rows."""

    name: str
    input_name: str
    output_name: str
    shape: tuple[int, ...]
    flops: float
    run: Callable[[Values], Values]


def load(path: str) -> Model:
    """Load the ONNX file at `path`, or the one that comes along where it is empty.

    Raises:
        InvalidSetting: The file is not there, no model, or has not one input and one output of known shape.
    """
    source = Path(path) if path else Path(str(files("aif_runtime.models") / "plates.onnx"))
    session = _session(source)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape = tuple(inputs[0].shape[1:]) if len(inputs) == 1 else ()
    if len(inputs) != 1 or len(outputs) != 1 or not all(isinstance(size, int) for size in shape):
        raise InvalidSetting(f"{source}: one input of fixed shape behind the rows, and one output, are expected")

    def run(values: Values) -> Values:
        found: Any = session.run([outputs[0].name], {inputs[0].name: values})
        answer: Values = found[0]
        return answer

    flops = float(session.get_modelmeta().custom_metadata_map.get(FLOPS_KEY, 0))
    return Model(source.stem, inputs[0].name, outputs[0].name, shape, flops, run)


def _session(source: Path) -> Any:  # noqa: ANN401 - as above
    options = onnxruntime.SessionOptions()
    # One thread per request: what a request costs is then one thread's time, and the pod's CPU is not oversubscribed.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # The library has classes of its own for each cause, none of them public.
        reason = str(error).splitlines()[0]
        raise InvalidSetting(f"AIF_SERVER_MODEL={source}: ONNX Runtime cannot load it: {reason}") from error


class Engine:
    """Runs the model `repeat` times per request, in `concurrency` threads, with `queue` more requests waiting.

    `tell` gets the seconds that each was computed, from the thread that did it.
    """

    def __init__(
        self,
        model: Model,
        *,
        repeat: int = 1,
        concurrency: int = 1,
        queue: int = 256,
        flops_per_run: float = 0.0,
        tell: Callable[[float], None],
    ) -> None:
        self.model = model
        self.flops_per_request = repeat * flops_per_run
        self._repeat = repeat
        self._tell = tell
        self._most = concurrency + queue
        self._inside = 0
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="inference")

    @property
    def inside(self) -> int:
        """How many requests are computed or wait."""
        return self._inside

    async def infer(self, values: Values) -> Values:
        """Return the model's answer; Overloaded where as many wait as may."""
        if self._inside >= self._most:
            raise Overloaded(f"{self._inside} requests wait already: come again later, or raise AIF_SERVER_QUEUE")
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._compute, values)
        finally:
            self._inside -= 1

    def warm_up(self) -> None:
        """Run the model once, so that the first request meets memory that is there."""
        self.model.run(np.zeros((1, *self.model.shape), dtype=np.float32))

    def close(self) -> None:
        """End the threads, once what they compute is done."""
        self._threads.shutdown(wait=True)

    def _compute(self, values: Values) -> Values:
        begun = time.perf_counter()
        for _ in range(self._repeat - 1):
            self.model.run(values)
        answer = self.model.run(values)
        self._tell(time.perf_counter() - begun)
        return answer


def version() -> str:
    """Return the version of ONNX Runtime."""
    return str(onnxruntime.__version__)
