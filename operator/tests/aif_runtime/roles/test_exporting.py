"""A finished model is compressed, becomes ONNX, and answers over HTTP."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from aif_runtime.learning.compression import restored, unpacked
from aif_runtime.learning.data import Split, digits
from aif_runtime.learning.errors import InvalidRole
from aif_runtime.learning.exporting import with_eight_bits
from aif_runtime.learning.models import built
from aif_runtime.roles import compressor, trainer
from aif_runtime.roles.settings import load as load_role
from aif_runtime.serving.engine import load
from tests.aif_runtime.jobs import Job, a_job
from tests.aif_runtime.serving import running

METHODS = ("L1", "Magnitude", "Int8", "MagnitudeInt8")


async def compressed(job: Job) -> dict[str, Any]:
    """Train a model, compress it in every way, each as ONNX too; return the report by method."""
    output = {"folder": job.folder, "onnx": True}
    told = job.told(name="t", state=job.folder / "state", output=output, rounds=2)
    await trainer.run(trainer.TrainerRole.model_validate(told))
    told = job.told(name="c", path=job.folder / "model.safetensors", output=output, methods=METHODS, rounds=1)
    await compressor.run(compressor.CompressorRole.model_validate(told))
    return {row["method"]: row for row in json.loads((job.folder / "model-report.json").read_text())}


async def test_a_compressed_model_is_served_and_answers_as_its_report_says() -> None:
    async with a_job() as job:
        report = await compressed(job)
        data = digits(Split(seed=7)).test()
        for method in METHODS:
            name = f"model-{method.lower()}"
            served = load(str(job.folder / f"{name}.onnx"))
            model = built("mlp-3", (), digits(Split()).task, 7)
            model.load(restored(unpacked(load_file(job.folder / f"{name}.safetensors"))))
            np.testing.assert_allclose(served.run(data.x), model.predict(data.x), rtol=1e-3, atol=1e-4)
            right = float(np.mean(served.run(data.x).argmax(axis=1) == data.y))
            assert right == pytest.approx(report[method]["accuracy"], abs=0.003)
        sizes = [(job.folder / name).stat().st_size for name in ("model-int8.onnx", "model.onnx")]
        assert sizes[0] < sizes[1] / 3


async def test_an_exported_model_answers_over_http() -> None:
    async with a_job() as job:
        await compressed(job)
        data = digits(Split(seed=7)).test()
        with running(model=job.folder / "model-int8.onnx") as server:
            answer = server.ask("POST", "/v1/infer", {"input": data.x[:20].tolist()}).json
        right = np.array(answer["output"]).argmax(axis=1) == data.y[:20]
        assert right.mean() > 0.8


async def test_the_model_of_a_federated_job_is_exported_too() -> None:
    async with a_job(clients=1) as job:
        aggregator = job.aggregator({"rounds": 1}, output={"folder": job.folder, "onnx": True})
        job.client(0)
        await job.ended()
        served = load(str(job.folder / "model.onnx"))
        x = digits(Split(seed=7)).test().x
        np.testing.assert_allclose(served.run(x), aggregator.learner.predict(x), rtol=1e-3, atol=1e-4)


def test_eight_bits_need_a_matrix_under_its_own_name() -> None:
    exported = built("mlp-2", (), digits(Split()).task, 1).exported()
    with pytest.raises(InvalidRole, match="keeps no matrix under its own name"):
        with_eight_bits(exported, {"other/int8": np.zeros((2, 2), dtype=np.int8)})


def test_without_the_package_onnx_an_export_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InvalidRole, match=r"output.onnx: needs the package onnx"):
        built("mlp-2", (), digits(Split()).task, 1).exported()


def test_that_an_export_will_not_go_is_told_before_anything_is_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    told = {"job": "j", "name": "t", "insecure": True, "model": {"name": "mlp-2"}, "data": {"source": "Digits"}}
    output = {"folder": str(tmp_path), "onnx": True}
    path = tmp_path / "role.json"
    path.write_text(json.dumps({**told, "state": str(tmp_path / "state"), "output": output}))
    with pytest.raises(InvalidRole, match=r"role.json: output.onnx: .*the extra learn"):
        load_role(trainer.TrainerRole, [str(path)], {})
