"""How a training job ends: done, failed, and with which reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aif.api.conditions import Reason
from tests.reconcile.training.jobs import Life, a_job, a_network, a_running


def succeeded(life: Life, name: str) -> None:
    """Have the Job of a role done."""
    child = life.children["Job", name]
    status = {"succeeded": 1, "completionTime": life.now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    life.children["Job", name] = replace(child, body={**child.body, "status": status})


def test_the_last_words_of_the_leading_role_are_waited_for_but_not_for_ever() -> None:
    life = a_running()
    succeeded(life, "digits-aggregator")
    life.look(1, 10.0)
    assert life.condition("Complete")[0] == "False"
    life.look(1, 30.0)
    assert life.condition("Complete")[0] == "True"


def test_a_compressor_has_no_last_words() -> None:
    life = Life(a_job("Compression", output={"claimName": "models", "formats": ["ONNX"]}))
    life.look(6, 1.0)
    succeeded(life, "digits-compressor")
    life.look(1, 1.0)
    assert life.condition("Complete")[0] == "True"
    result = life.job.status.result
    assert result is not None
    assert result.path == "digits/model-report.json"
    models = ("digits/model-magnitude", "digits/model-int8")
    assert result.files == [f"{model}.{ending}" for model in models for ending in ("safetensors", "onnx")]


@pytest.mark.parametrize(
    ("stop", "told", "reason"),
    [
        pytest.param({}, {"round": 10}, "RoundsReached", id="all rounds"),
        pytest.param(
            {"targetAccuracyBasisPoints": 9000},
            {"round": 4, "accuracy_basis_points": 9100},
            "TargetReached",
            id="target",
        ),
        pytest.param({"patienceRounds": 2}, {"round": 6, "accuracy_basis_points": 8000}, "Converged", id="patience"),
    ],
)
def test_the_reason_of_the_end_is_told(stop: dict[str, int], told: dict[str, int], reason: str) -> None:
    life = a_running(stop=stop)
    life.says("Complete", **told)
    life.look()
    assert life.condition("Complete") == ("True", reason)


@pytest.mark.parametrize(
    "word", ["Diverged", "ClientLost", "DeadlineExceeded", "QuorumNotReached", "KAnonymityNotReached"]
)
def test_why_a_job_failed_is_told_by_the_word_of_the_runtime(word: str) -> None:
    life = a_running()
    life.says("Failed", reason=word, message="why")
    life.look()
    assert life.condition("Failed") == life.condition("Stalled") == ("True", word)
    assert life.condition("Ready") == ("False", word)
    assert life.claims == ()


@pytest.mark.parametrize(
    ("said", "reason", "message"),
    [
        pytest.param({}, "DeadlineExceeded", "60 s", id="it learns"),
        pytest.param(
            {"phase": "Paused", "reason": "QuorumNotReached"}, "QuorumNotReached", "60 s: why", id="no quorum"
        ),
        pytest.param(
            {"phase": "Waiting", "reason": "KAnonymityNotReached"},
            "KAnonymityNotReached",
            "60 s: why",
            id="fewer than k",
        ),
        pytest.param({"phase": "Waiting", "reason": "WaitingForStart"}, "DeadlineExceeded", "60 s", id="another word"),
    ],
)
def test_a_job_that_waited_until_its_deadline_has_failed_by_what_it_waited_for(
    said: dict[str, str], reason: str, message: str
) -> None:
    life = a_running(stop={"deadlineSeconds": 60})
    life.says(**{"phase": "Training", "message": "why", **said})
    life.look(1, 70.0)
    assert life.condition("Failed") == ("True", reason)
    told = next(c.message for c in life.job.status.conditions if c.type == "Failed")
    assert told.endswith(message)


def test_a_word_that_nobody_knows_is_no_reason_of_its_own() -> None:
    life = a_running()
    life.says("Failed", reason="MadeUp", message="why")
    life.look()
    assert life.condition("Failed") == ("True", "JobFailed")


def test_a_finished_job_keeps_its_reason_for_ever() -> None:
    life = a_running()
    life.says("Failed", reason=Reason.DIVERGED, message="why")
    life.look()
    life.network = a_network(phones=0)
    life.now += timedelta(days=1)
    life.look(3)
    assert life.condition("Failed") == ("True", "Diverged")
