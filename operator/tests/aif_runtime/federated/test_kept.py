"""A round is told once it is kept: what was told is not lost, whenever a role is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from aif_runtime.federated import rounds
from aif_runtime.learning import checkpoint
from aif_runtime.roles import trainer
from tests.aif_runtime.jobs import a_job


async def test_an_aggregator_tells_a_round_only_once_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    async with a_job(clients=1) as job:

        def keep(folder: Path, kept: checkpoint.Checkpoint) -> None:
            checkpoint.keep(folder, kept)
            told.append((kept.round, job.status["round"]))

        monkeypatch.setattr(rounds, "keep", keep)
        job.aggregator({"rounds": 3})
        job.client(0)
        await job.ended()
        assert job.status["round"] == 3
    assert told == [(1, 0), (2, 1), (3, 2)]


async def test_a_trainer_tells_a_round_only_once_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    trainers: list[trainer.Trainer] = []

    def keep(folder: Path, kept: checkpoint.Checkpoint) -> None:
        checkpoint.keep(folder, kept)
        told.append((kept.round, trainers[0].status()["round"]))

    monkeypatch.setattr(trainer, "keep", keep)
    async with a_job() as job:
        output = {"folder": job.folder}
        role = job.told(name="t", state=job.folder / "state", output=output, rounds=2)
        await trainer.run(trainer.TrainerRole.model_validate(role), trainers.append)
    assert told == [(1, 0), (2, 1)]
