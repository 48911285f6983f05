"""Whole jobs with models in PyTorch: built in, and one of one's own, over real streams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from aif_runtime.roles import compressor, trainer
from aif_runtime.serving.engine import load
from tests.aif_runtime.jobs import a_job
from tests.aif_runtime.twolevel.parts import Parts

SAMPLES = Path(__file__).parents[5] / "docs" / "samples"
CNN: dict[str, Any] = {"model": {"name": "cnn"}, "plan": {"localEpochs": 2}}
OWN: dict[str, Any] = {
    "model": {"entryPoint": "own_model:made"},
    "data": {"source": "Own", "clients": 4},
    "plan": {"localEpochs": 3},
}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.syspath_prepend(SAMPLES)


@pytest.mark.parametrize(("learning", "rounds"), [pytest.param(CNN, 3, id="cnn"), pytest.param(OWN, 8, id="own")])
async def test_a_federated_job_gives_the_same_model_for_the_same_seed(learning: dict[str, Any], rounds: int) -> None:
    digests = set()
    for _ in range(2):
        async with a_job(learning=learning, clients=2) as job:
            job.aggregator({"rounds": rounds, "clients": 2, "quorum": 2, "evaluators": 1})
            job.evaluator()
            for index in range(2):
                job.client(index)
            await job.ended(seconds=300)
            assert job.status["metrics"]["accuracy"] > 0.85
            digests.add(job.status["digest"])
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("learning", "cuts"),
    [
        pytest.param(CNN, {"a": "pool1", "b": "Auto"}, id="cnn"),
        pytest.param(OWN, {"a": "conv", "b": "pool"}, id="own"),
    ],
)
async def test_two_groups_with_different_cuts_learn_one_model(learning: dict[str, Any], cuts: dict[str, str]) -> None:
    async with a_job(learning=learning) as job:
        Parts(job, cuts, each=2, k=2, rounds=4)
        for index in range(4):
            job.terminal(index)
        await job.ended(seconds=300)
        assert job.status["metrics"]["accuracy"] > 0.75


async def test_a_model_of_ones_own_is_trained_compressed_and_served() -> None:
    async with a_job(learning=OWN) as job:
        output = {"folder": job.folder, "onnx": True}
        told = job.told(name="t", state=job.folder / "s", output=output, rounds=3)
        await trainer.run(trainer.TrainerRole.model_validate(told))
        told = job.told(name="c", path=job.folder / "model.safetensors", output=output, methods=["MagnitudeInt8"])
        row = compressor.Compressor(compressor.CompressorRole.model_validate(told)).report()[1]
        served = load(str(job.folder / "model-magnitudeint8.onnx"))
        assert served.shape == (2, 48)
        assert served.run(np.zeros((3, 2, 48), dtype=np.float32)).shape == (3, 3)
        assert row["accuracy"] > 0.8


async def test_a_student_learns_from_a_larger_network() -> None:
    async with a_job(learning=CNN, clients=1) as job:
        output = {"folder": job.folder}
        told = job.told(name="t", state=job.folder / "s", output=output, rounds=3)
        await trainer.run(trainer.TrainerRole.model_validate(told))
        teacher = {"model": CNN["model"], "path": job.folder / "model.safetensors"}
        student = {"model": {"name": "mlp-2", "hidden": [24]}, "state": job.folder / "s2", "teacher": teacher}
        told = {**job.told(name="s", output={**output, "name": "student"}, rounds=4), **student}
        kept: list[trainer.Trainer] = []
        await trainer.run(trainer.TrainerRole.model_validate(told), kept.append)
        assert kept[0].progress.metrics["accuracy"] > 0.85
