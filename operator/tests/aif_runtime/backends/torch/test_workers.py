"""Several workers learn what one would have learned."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from aif_runtime.backends.choosing import Backend, Place, built, joined
from aif_runtime.learning.data import TASKS
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.roles import trainer
from aif_runtime.roles.running import LOST
from tests.aif_runtime.jobs import a_job, until

SOURCE = Path(__file__).parents[4]
PATIENCE_S = 600.0
"""It only bounds a broken test: to import PyTorch takes long on a busy machine."""

TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "aif_runtime.roles.trainer")


async def by_two(path: Path) -> None:
    """Run the trainer as two processes."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *TWO, str(path), env=environment, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
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


async def numbered(path: Path, number: int) -> asyncio.subprocess.Process:
    """Start one of several workers as the pod of an Indexed Job does."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1", "JOB_COMPLETION_INDEX": str(number)}
    command = (sys.executable, "-m", "aif_runtime.roles.trainer", str(path))
    pipe, same = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    return await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=same)


async def test_workers_of_a_job_find_one_another_and_go_on_after_one_was_killed() -> None:
    async with a_job(learning={"model": {"name": "mlp-2", "backend": "PyTorch"}}, clients=1) as job:
        workers = {"count": 2, "address": f"127.0.0.1:{free_port()}"}
        told = job.told(name="trainer", state=job.folder / "s", output={"folder": job.folder}, workers=workers)
        path = job.folder / "role.json"
        path.write_text(json.dumps({**told, "rounds": 60}, default=str))
        first = [await numbered(path, number) for number in range(2)]
        again: list[asyncio.subprocess.Process] = []
        try:
            await until(lambda: any((job.folder / "s").glob("round-*.json")), PATIENCE_S)
            first[1].kill()
            said, _ = await asyncio.wait_for(first[0].communicate(), PATIENCE_S)
            assert first[0].returncode == LOST, said.decode()[-3000:]
            assert b"another worker is lost" in said
            again = [await numbered(path, number) for number in range(2)]
            for process in again:
                said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
                assert process.returncode == 0, said.decode()[-3000:]
        finally:
            for process in (*first, *again):
                if process.returncode is None:
                    process.kill()
                await process.wait()
        note = json.loads((job.folder / "model.json").read_text())
        assert (note["rounds"], (job.folder / "s" / "epoch").read_text()) == (60, "2")
        assert note["metrics"]["accuracy"] > 0.9


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_worker_that_comes_back_when_all_is_done_waits_for_nobody() -> None:
    async with a_job(learning={"model": {"name": "mlp-2"}}, clients=1) as job:
        told = job.told(name="trainer", state=job.folder / "s", output={"folder": job.folder}, rounds=1)
        await trainer.run(trainer.TrainerRole.model_validate(told))
        workers = {"count": 2, "address": "127.0.0.1:1"}
        (job.folder / "model.json").unlink()
        for index in (1, 0):
            await trainer.run(trainer.TrainerRole.model_validate({**told, "workers": workers, "index": index}))
            assert (job.folder / "model.json").exists() is (index == 0), "only the first writes"


def test_several_workers_need_pytorch() -> None:
    model = built(Backend.NUMPY, "mlp-2", (), TASKS["Digits"], 1)
    assert joined(model, Place.of_torchrun({})) is None
    with pytest.raises(InvalidRole, match="several workers learn together only with PyTorch"):
        joined(model, Place.of_torchrun({"WORLD_SIZE": "2"}))
