"""The same seed gives the same model, in each mode."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from safetensors.numpy import load_file

from aif_runtime.learning.arrays import digest
from aif_runtime.roles import compressor, trainer
from tests.aif_runtime.jobs import Job, a_job
from tests.aif_runtime.twolevel.parts import Parts

QUICK = {"plan": {"batch": 128}}


async def centralized(job: Job, **more: object) -> str:
    """Train in one place."""
    told = {"state": job.folder / "state", "output": {"folder": job.folder}, "rounds": 2, **more}
    await trainer.run(trainer.TrainerRole.model_validate(job.told(name="t", **told)))
    return str(json.loads((job.folder / "model.json").read_text())["digest"])


async def federated(job: Job) -> str:
    """Train with two clients."""
    job.clients = 2
    job.aggregator({"rounds": 2, "clients": 2, "quorum": 2})
    for index in range(2):
        job.client(index)
    await job.ended()
    return str(job.status["digest"])


async def split(job: Job) -> str:
    """Train with two terminals, one after the other."""
    parts = Parts(job, {"a": "relu1"}, each=2, k=2, rounds=2, evaluators=0)
    await job.kill("lf-a")
    parts.servers["a"] = job.server("a", schedule="Sequential", momentum="Keep")
    for index in range(2):
        job.terminal(index)
    await job.ended()
    return str(job.status["digest"])


async def two_level(job: Job) -> str:
    """Train with two groups, cut at different places."""
    Parts(job, {"a": "fc1", "b": "relu2"}, each=1, k=1, rounds=2, evaluators=0)
    for index in range(2):
        job.terminal(index)
    await job.ended()
    return str(job.status["digest"])


async def distillation(job: Job) -> str:
    """Train a teacher, and a student."""
    await centralized(job)
    teacher = {"model": {"name": "mlp-3"}, "path": job.folder / "model.safetensors"}
    small = {"name": "mlp-2", "hidden": [16]}
    return await centralized(job, state=job.folder / "student", teacher=teacher, model=small)


async def compression(job: Job) -> str:
    """Train a model, and make it small in every way."""
    await centralized(job)
    methods = ["L1", "Magnitude", "Int8", "MagnitudeInt8"]
    told = job.told(name="c", path=job.folder / "model.safetensors", methods=methods, output={"folder": job.folder})
    await compressor.run(compressor.CompressorRole.model_validate(told))
    return "".join(digest(load_file(job.folder / f"model-{method.lower()}.safetensors")) for method in methods)


MODES: dict[str, Callable[[Job], Awaitable[str]]] = {
    "Centralized": centralized,
    "Federated": federated,
    "Split": split,
    "TwoLevel": two_level,
    "Distillation": distillation,
    "Compression": compression,
}


async def digest_of(mode: str, seed: int = 7) -> str:
    """Return the digest of what a job of that mode leaves behind."""
    async with a_job(learning=QUICK) as job:
        job.shared = {**job.shared, "seed": seed}
        return await MODES[mode](job)


@pytest.mark.parametrize("mode", list(MODES))
async def test_the_same_seed_gives_the_same_model_and_another_seed_another(mode: str) -> None:
    first, again, other = await digest_of(mode), await digest_of(mode), await digest_of(mode, seed=8)
    assert first == again
    assert first != other
