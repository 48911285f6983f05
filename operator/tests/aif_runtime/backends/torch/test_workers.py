"""Several workers learn what one would have learned."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from aif_runtime.backends.choosing import Backend, built, joined
from aif_runtime.learning.data import TASKS
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.roles import trainer
from tests.aif_runtime.jobs import a_job

SOURCE = Path(__file__).parents[4]
TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "aif_runtime.roles.trainer")


async def by_two(path: Path) -> None:
    """Run the trainer as two processes."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *TWO, str(path), env=environment, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 240)
    assert process.returncode == 0, said.decode()[-3000:]


async def test_two_workers_learn_the_model_of_one() -> None:
    async with a_job(learning={"model": {"name": "cnn"}}, clients=1) as job:
        shared: dict[str, Any] = {"rounds": 2, "output": {"folder": job.folder, "name": "one"}}
        one = job.told(name="t", state=job.folder / "s1", **shared)
        await trainer.run(trainer.TrainerRole.model_validate(one))
        two = {**one, "state": job.folder / "s2", "output": {"folder": job.folder, "name": "two"}}
        path = job.folder / "two-role.json"
        path.write_text(json.dumps(two, default=str))
        await by_two(path)
        alone, together = (load_file(job.folder / f"{name}.safetensors") for name in ("one", "two"))
        for name, array in alone.items():
            np.testing.assert_allclose(together[name], array, atol=5e-3)
        note = json.loads((job.folder / "two.json").read_text())
        assert note["metrics"]["accuracy"] > 0.85
        assert (job.folder / "s2" / "epoch").read_text() == "1"


def test_several_workers_need_pytorch() -> None:
    model = built(Backend.NUMPY, "mlp-2", (), TASKS["Digits"], 1)
    assert joined(model, {}) is None
    with pytest.raises(InvalidRole, match="several workers learn together only with PyTorch"):
        joined(model, {"WORLD_SIZE": "2"})
