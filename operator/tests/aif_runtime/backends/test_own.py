"""Models of one's own, by the name of a function, in every way of learning."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from aif_runtime.backends.choosing import Backend, built
from aif_runtime.backends.own import own
from aif_runtime.learning.data import TASKS, Split
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.roles import compressor, trainer
from tests.aif_runtime.jobs import a_job
from tests.aif_runtime.twolevel.parts import Parts

OWN = {
    "model": {"entryPoint": "tests.aif_runtime.backends.own_parts:made"},
    "data": {"source": "Own", "clients": 4},
    "plan": {"localEpochs": 2},
}


async def test_a_model_of_ones_own_learns_in_one_place_and_is_compressed() -> None:
    async with a_job(learning=OWN) as job:
        output = {"folder": job.folder}
        role = trainer.TrainerRole.model_validate(job.told(name="t", state=job.folder / "s", output=output, rounds=2))
        kept: list[trainer.Trainer] = []
        await trainer.run(role, kept.append)
        assert kept[0].progress.metrics["accuracy"] > 0.9
        told = job.told(name="c", path=job.folder / "model.safetensors", output=output, methods=["Int8"])
        report = compressor.Compressor(compressor.CompressorRole.model_validate(told)).report()
        assert report[1]["storedBytes"] < report[0]["storedBytes"]


async def test_a_model_of_ones_own_learns_in_a_federation() -> None:
    async with a_job(learning=OWN) as job:
        job.aggregator({"rounds": 2, "clients": 2, "quorum": 2, "evaluators": 1})
        job.evaluator()
        for index in range(2):
            job.client(index)
        await job.ended()
        assert job.status["accuracyBasisPoints"] > 9000


async def test_a_model_of_ones_own_learns_over_two_levels() -> None:
    async with a_job(learning=OWN) as job:
        Parts(job, {"a": "fc1", "b": "Auto"}, each=2, k=2, rounds=3)
        for index in range(4):
            job.terminal(index)
        await job.ended()
        assert job.status["accuracyBasisPoints"] > 9000
        assert {group["cut"] for group in job.status["routine"]["groups"].values()} <= {"fc1", "relu1"}


@pytest.mark.parametrize(
    ("entry_point", "said"),
    [
        pytest.param("no_such_module:made", "no_such_module:made cannot be had: No module named", id="no module"),
        pytest.param("tests.aif_runtime.backends.own_parts:none", "has no attribute 'none'", id="no function"),
        pytest.param("tests.aif_runtime.backends.own_parts:model_only", "must return a pair", id="no pair"),
    ],
)
def test_an_entry_point_that_is_none_is_named(entry_point: str, said: str) -> None:
    with pytest.raises(InvalidRole, match=rf"model.entryPoint: .*{said}"):
        own(entry_point, Split())


def test_without_pytorch_its_models_are_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("aif_runtime.backends.torch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InvalidRole, match="needs PyTorch, which is not installed; install the extra runtime"):
        built(Backend.AUTO, "cnn", (), TASKS["Digits"], 1)


def test_data_of_ones_own_need_an_entry_point() -> None:
    told: dict[str, Any] = {"job": "j", "name": "r", "insecure": True, "state": "/s", "output": {"folder": "/o"}}
    with pytest.raises(ValueError, match=r"data.source: Own needs model.entryPoint"):
        trainer.TrainerRole.model_validate({**told, "data": {"source": "Own"}})
    with pytest.raises(ValueError, match=r"model.entryPoint"):
        trainer.TrainerRole.model_validate({**told, "model": {"entryPoint": "no function"}})
