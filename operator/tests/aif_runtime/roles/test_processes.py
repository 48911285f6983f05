"""Roles as they are started: as processes, with a file, an exit status and a last message."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from safetensors.numpy import load_file

from aif.api.conditions import Reason
from aif.gateways.statuspages import parse_told
from aif.planning.models.tables import of_text
from aif.reconcile.training.verdicts import reason_of
from aif_runtime.federated.statuspage import serve_status
from aif_runtime.learning.arrays import digest
from aif_runtime.learning.errors import InvalidRole, JobFailed
from aif_runtime.roles import compressor, profiler, trainer
from tests.aif_runtime.jobs import Job, a_job, until
from tests.builders import NOON

SOURCE = Path(__file__).parents[3]


async def started(role: str, path: Path, **environ: str) -> asyncio.subprocess.Process:
    """Start a role as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1", **environ}
    command = (sys.executable, "-m", f"aif_runtime.roles.{role}", str(path))
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)


def a_file(folder: Path, name: str, told: dict[str, Any]) -> Path:
    """Write a role's file."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(told, default=str), encoding="utf-8")
    return path


def a_trainer(job: Job, **more: Any) -> trainer.TrainerRole:
    """Return the settings of a trainer."""
    told = job.told(name="t", state=job.folder / "state", output={"folder": job.folder}, **more)
    return trainer.TrainerRole.model_validate(told)


async def test_a_job_runs_as_processes_and_survives_a_killed_aggregator() -> None:
    async with a_job() as job:
        addresses = {"aggregator": job.at("agg")}
        job.learning = {"plan": {"localEpochs": 2}, "data": {"source": "Digits", "clients": 2}}
        rules = {"rounds": 40, "clients": 2, "quorum": 2, "gatherSeconds": 60, "targetAccuracy": 0.96, "evaluators": 1}
        told = job.told(
            name="agg", listen=job.at("agg"), state=job.folder / "s", output={"folder": job.folder}, rules=rules
        )
        file = a_file(job.folder, "agg", {**told, "terminationPath": job.folder / "last"})
        first = await started("aggregator", file)
        client = a_file(job.folder, "client", job.told(name="client", **addresses))
        others = [await started("client", client, JOB_COMPLETION_INDEX=str(index)) for index in range(2)]
        others.append(await started("evaluator", a_file(job.folder, "eva", job.told(name="eva", **addresses))))
        try:
            await until(lambda: any((job.folder / "s").glob("round-*.json")))
            first.kill()
            await first.wait()
            second = await started("aggregator", file)
            _, said = await asyncio.wait_for(second.communicate(), 180)
            assert second.returncode == 0, said
            for process in others:
                assert await asyncio.wait_for(process.wait(), 120) == 0
        finally:
            for process in others:
                if process.returncode is None:
                    process.kill()
        last = json.loads((job.folder / "last").read_text())
        assert (last["phase"], last["epoch"]) == ("Complete", 2)
        assert last["digest"] == digest(load_file(job.folder / "model.safetensors"))


async def test_a_file_that_breaks_a_rule_ends_a_role_with_two(tmp_path: Path) -> None:
    path = a_file(tmp_path, "role", {"job": "j", "name": "r", "insecure": True, "aggregator": "h:1", "seed": "x"})
    process = await started("client", path)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert f"{path}: seed: Input should be a valid integer" in said.decode()


async def test_a_model_that_the_image_does_not_have_is_told_as_a_failed_job(tmp_path: Path) -> None:
    last = tmp_path / "last"
    last.touch()  # in a pod it is there from the first
    told = {"job": "j", "name": "t", "insecure": True, "state": tmp_path, "output": {"folder": tmp_path}}
    model = {"model": {"entryPoint": "not_in_the_image:made"}, "data": {"source": "Own"}, "terminationPath": last}
    process = await started("trainer", a_file(tmp_path, "role", told | model))
    _, said = await process.communicate()
    assert process.returncode == 2, said
    found = parse_told(last.read_bytes(), NOON)
    assert found is not None
    assert (found.phase, reason_of(found.reason)) == ("Failed", Reason.INVALID_SPEC)
    assert "model.entryPoint: not_in_the_image:made cannot be had" in found.message


async def test_a_signal_ends_a_role_in_good_order() -> None:
    async with a_job() as job:
        told = job.told(name="c", aggregator=job.at("nobody"))
        told["timing"] = {"patienceSeconds": 0.2}
        process = await started("client", a_file(job.folder, "c", told))
        assert process.stderr is not None
        first = await asyncio.wait_for(process.stderr.readline(), 120)
        assert b"Lost the server" in first
        process.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == 143, said


async def test_the_trainer_learns_in_one_place() -> None:
    async with a_job() as job:
        await trainer.run(a_trainer(job, rounds=8))
        note = json.loads((job.folder / "model.json").read_text())
        assert note["metrics"]["accuracy"] > 0.94
        assert note["digest"] == digest(load_file(job.folder / "model.safetensors"))


async def test_a_trainer_that_starts_anew_ends_with_the_very_model() -> None:
    digests = []
    for stops in ((6,), (2, 4, 6)):
        async with a_job() as job:
            for rounds in stops:
                await trainer.run(a_trainer(job, rounds=rounds))
            digests.append(json.loads((job.folder / "model.json").read_text())["digest"])
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("more", "most"),
    [
        pytest.param({"targetAccuracy": 0.5}, 49, id="target"),
        pytest.param({"patienceRounds": 1, "plan": {"learningRate": 1e-9}}, 5, id="patience"),
    ],
)
async def test_the_trainer_stops_where_it_may(more: dict[str, Any], most: int) -> None:
    async with a_job() as job:
        seen: list[trainer.Trainer] = []
        await trainer.run(a_trainer(job, rounds=50, **more), seen.append)
        assert seen[0].progress.round <= most


async def test_a_trained_model_that_is_not_good_enough_is_no_result() -> None:
    async with a_job() as job:
        with pytest.raises(JobFailed, match="an accuracy of"):
            await trainer.run(a_trainer(job, rounds=1, leastAccuracy=1.0, terminationPath=job.folder / "last"))
        assert json.loads((job.folder / "last").read_text())["reason"] == "ValidationFailed"
        assert not (job.folder / "model.safetensors").exists()
        seen: list[trainer.Trainer] = []
        await trainer.run(a_trainer(job, rounds=2, leastAccuracy=0.5), seen.append)
        assert seen[0].progress.stored == sum(path.stat().st_size for path in job.folder.rglob("*") if path.is_file())


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value encountered", "ignore:divide by zero")
async def test_a_trainer_that_diverges_says_so() -> None:
    async with a_job() as job:
        job.learning = {"data": {"source": "Synthetic"}, "plan": {"learningRate": 100.0}}
        with pytest.raises(JobFailed) as failed:
            await trainer.run(a_trainer(job, rounds=5, terminationPath=job.folder / "last"))
        assert failed.value.reason == "Diverged"
        assert json.loads((job.folder / "last").read_text())["reason"] == "Diverged"


async def test_a_student_learns_from_a_teacher() -> None:
    async with a_job() as job:
        await trainer.run(a_trainer(job, rounds=8))
        teacher = {"model": {"name": "mlp-3"}, "path": job.folder / "model.safetensors"}
        student = {"model": {"name": "mlp-2", "hidden": [16]}, "output": {"folder": job.folder, "name": "student"}}
        told = {**job.told(name="s", state=job.folder / "student", teacher=teacher, rounds=10), **student}
        await trainer.run(
            trainer.TrainerRole.model_validate({**told, "plan": {"learningRate": 0.02, "localEpochs": 2}})
        )
        note = json.loads((job.folder / "student.json").read_text())
        assert note["metrics"]["accuracy"] > 0.9


async def test_a_teacher_that_is_missing_is_named() -> None:
    async with a_job() as job:
        with pytest.raises(InvalidRole, match=r"teacher.path: .*none cannot be read"):
            await trainer.run(a_trainer(job, teacher={"path": job.folder / "none"}))


async def test_a_compressed_model_is_smaller_and_nearly_as_good() -> None:
    async with a_job() as job:
        await trainer.run(a_trainer(job, rounds=10))
        methods = ["L1", "Magnitude", "Int8", "MagnitudeInt8"]
        told = job.told(name="c", path=job.folder / "model.safetensors", methods=methods, output={"folder": job.folder})
        role = compressor.CompressorRole.model_validate({**told, "plan": {"l1": 1e-4, "learningRate": 0.02}})
        await compressor.run(role)
        rows = {row["method"]: row for row in json.loads((job.folder / "model-report.json").read_text())}
        assert list(rows) == ["Dense", *methods]
        for method in methods:
            assert rows[method]["storedBytes"] < rows["Dense"]["storedBytes"]
            assert rows[method]["accuracy"] > rows["Dense"]["accuracy"] - 0.03
            assert (job.folder / f"model-{method.lower()}.safetensors").exists()
        assert rows["Magnitude"]["sparsity"] == pytest.approx(0.8, abs=0.01)
        assert rows["MagnitudeInt8"]["storedBytes"] < 0.12 * rows["Dense"]["storedBytes"]


async def test_the_profiler_writes_what_the_planner_reads() -> None:
    async with a_job() as job:
        told = job.told(name="p", model={"name": "mlp-4"}, output={"folder": job.folder, "name": "mlp-4"})
        await profiler.run(profiler.ProfilerRole.model_validate(told))
        graph = of_text((job.folder / "mlp-4.json").read_text())
        cuts = json.loads((job.folder / "mlp-4-cuts.json").read_text())
        assert len(cuts) == len(graph.legal_cuts)


async def test_the_status_is_read_over_http() -> None:
    def read(port: int, page: str) -> dict[str, Any]:
        with urlopen(f"http://127.0.0.1:{port}{page}", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    async with serve_status("127.0.0.1:0", lambda: {"round": 3}) as port:
        assert await asyncio.to_thread(read, port, "/status") == {"round": 3}
        assert await asyncio.to_thread(read, port, "/healthz") == {}
        with pytest.raises(OSError, match="404"):
            await asyncio.to_thread(read, port, "/else")


@pytest.mark.parametrize("address", ["127.0.0.1:x", "127.0.0.1:99999", "nowhere.invalid:1"])
async def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidRole, match="statusListen"):
        async with serve_status(address, dict):
            pass
