"""The compressor: it makes a finished model smaller, and says what that costs.

`python -m aif_runtime.roles.compressor FILE`
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file

from aif_runtime.learning.arrays import Arrays, stored_bytes
from aif_runtime.learning.checkpoint import result, write
from aif_runtime.learning.compression import (
    INT8,
    magnitude_masks,
    packed,
    quantised,
    restored,
    sparsity,
    threshold_masks,
    unpacked,
)
from aif_runtime.learning.data import Examples
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.exporting import with_eight_bits
from aif_runtime.learning.learner import Learner
from aif_runtime.learning.training import Turn, evaluate, train
from aif_runtime.roles.running import main
from aif_runtime.roles.settings import LearningRole, OutputPart, Positive

log = logging.getLogger(__name__)
_TIMES: Final = 20

Method = Literal["L1", "Magnitude", "Int8", "MagnitudeInt8"]


class CompressorRole(LearningRole):
    """What the compressor is told.

    Attributes:
        path: The finished model, as safetensors.
        methods: What is tried; each writes a model of its own.
        share: Share of the weights that magnitude pruning takes away.
        threshold: After training with `plan.l1`, weights up to this are taken away.
        rounds: Rounds of fine-tuning, or of training with `plan.l1`.
        output: Where models and the report go.
    """

    path: Path
    methods: Annotated[tuple[Method, ...], Field(min_length=1)] = ("Magnitude", "Int8")
    share: Annotated[float, Field(gt=0, lt=1)] = 0.8
    threshold: Positive = 0.01
    rounds: Annotated[int, Field(ge=1, le=1000)] = 3
    output: OutputPart


class Compressor:
    """A model with the data to fine-tune and judge it on."""

    def __init__(self, role: CompressorRole) -> None:
        dataset = role.dataset()
        self.role, self.task = role, dataset.task
        parts = [dataset.client(index) for index in range(role.data.clients)]
        self.examples = Examples(np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts]))
        self.tested = dataset.test()
        try:
            self.dense = load_file(role.path)
        except (OSError, SafetensorError) as error:
            raise InvalidRole(f"path: {role.path} cannot be read as safetensors: {error}") from error

    def report(self) -> list[dict[str, Any]]:
        """Write a model per method; return what each costs, the dense one first."""
        rows = [self._judged("Dense", self.dense, self.dense)]
        methods: dict[str, Callable[[], tuple[Arrays, Arrays]]] = {
            "L1": self._l1,
            "Magnitude": self._magnitude,
            "Int8": lambda: _both(quantised(self.dense)),
            "MagnitudeInt8": lambda: _both(packed(quantised(self._magnitude()[1]))),
        }
        for method in self.role.methods:
            stored, plain = methods[method]()
            name = f"{self.role.output.name}-{method.lower()}"
            row = self._judged(method, stored, plain)
            result(self.role.output.folder, name, stored, {"job": self.role.job, "compression": row})
            if self.role.output.onnx:
                write(self.role.output.folder / f"{name}.onnx", self._exported(stored, plain))
            rows.append(row)
        return rows

    def _exported(self, stored: Arrays, plain: Arrays) -> bytes:
        exported = self._learner(plain).exported()
        whole = unpacked(stored)
        return with_eight_bits(exported, whole) if any(name.endswith(INT8) for name in whole) else exported

    def _learner(self, state: Arrays) -> Learner:
        learner = self.role.learner(self.task)
        learner.load(state)
        return learner

    def _l1(self) -> tuple[Arrays, Arrays]:
        learner = self._learner(self.dense)
        self._tune(learner)
        learner.hold(threshold_masks(learner.state, self.role.threshold))
        return packed(learner.state), learner.state

    def _magnitude(self) -> tuple[Arrays, Arrays]:
        learner = self._learner(self.dense)
        learner.hold(magnitude_masks(learner.state, self.role.share))
        self._tune(learner)
        return packed(learner.state), learner.state

    def _tune(self, learner: Learner) -> None:
        plan = self.role.plan.built()
        learner.plan = plan
        for turn in range(1, self.role.rounds + 1):
            train(learner, self.examples, plan, Turn(self.role.seed, 0, turn))

    def _judged(self, method: str, stored: Arrays, plain: Arrays) -> dict[str, Any]:
        learner = self._learner(plain)
        times = []
        for _ in range(_TIMES):
            began = time.perf_counter()
            learner.predict(self.tested.x)
            times.append(time.perf_counter() - began)
        return {
            "method": method,
            "sparsity": round(sparsity(plain), 4),
            "storedBytes": stored_bytes(stored),
            "accuracy": evaluate(learner, self.tested, self.task)["accuracy"],
            "microsecondsPerExample": round(1e6 * statistics.median(times) / len(self.tested), 3),
        }


def _both(stored: Arrays) -> tuple[Arrays, Arrays]:
    return stored, restored(unpacked(stored))


async def run(role: CompressorRole) -> None:
    """Compress, and write the report."""
    compressor = await asyncio.to_thread(Compressor, role)
    rows = await asyncio.to_thread(compressor.report)
    write(role.output.folder / f"{role.output.name}-report.json", json.dumps(rows, indent=2).encode())
    for row in rows:
        log.info("Compressed a model", extra=row)


if __name__ == "__main__":
    sys.exit(main(CompressorRole, run))
