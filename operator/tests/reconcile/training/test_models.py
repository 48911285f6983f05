"""Which model a job learns: a built-in one of either backend, or one of the image's own, in every mode."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aif.api.trainingjob_model import LearnedModel
from aif.domain.learning import roles_of
from aif.planning.learning import layer_names
from aif.reconcile.training.acceptance import NETWORKS
from aif.reconcile.training.files import role_file
from aif_runtime.backends.choosing import Backend
from aif_runtime.learning.data import TASKS, Split
from aif_runtime.learning.models import widths
from aif_runtime.roles.settings import LearningRole
from tests.reconcile.training.jobs import MODES, Life, a_job
from tests.reconcile.training.test_files import ROLES, jobs_of

OWN: dict[str, Any] = {
    "model": {"entryPoint": "waves.models:made"},
    "data": {"source": "Own", "claimName": "signals", "alphaPercent": 50},
}
each_mode = pytest.mark.parametrize("mode", MODES)


def learning_roles(mode: str, **spec: Any) -> dict[str, LearningRole]:
    """Return what each role with a model is told, as the runtime reads it."""
    job = a_job(mode, **spec)
    read = [ROLES[role.module].model_validate_json(json.dumps(role_file(job, role))) for role in roles_of(job)]
    return {role.name: role for role in read if isinstance(role, LearningRole)}


@each_mode
def test_every_role_with_a_model_is_told_the_function_that_returns_it(mode: str) -> None:
    for role in learning_roles(mode, **OWN).values():
        assert (role.model.entry_point, role.data.source) == ("waves.models:made", "Own")
        assert role.split == Split(0, max(1, a_job(mode, **OWN).client_count), 0.5)


@each_mode
def test_a_job_with_a_model_of_its_own_is_accepted_and_placed(mode: str) -> None:
    life = Life(a_job(mode, **OWN))
    life.look(2)
    assert life.condition("Accepted") == ("True", "AsExpected")
    assert life.claims


def test_only_roles_that_see_data_have_the_claim_with_the_own_data() -> None:
    told = jobs_of("TwoLevel", **OWN)
    claims = {name: _claims(body) for name, body in told.items()}
    assert {name for name, found in claims.items() if "signals" in found} == {"client", "evaluator"}


def _claims(body: dict[str, Any]) -> set[str]:
    volumes = body["spec"]["template"]["spec"]["volumes"]
    return {v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v}


def test_a_teacher_may_be_a_model_of_ones_own() -> None:
    teacher = {"teacher": {"claimName": "t", "path": "m"}, "model": {"entryPoint": "waves.models:large"}}
    (trainer,) = learning_roles("Distillation", distillation=teacher).values()
    assert trainer.model_dump()["teacher"]["model"]["entry_point"] == "waves.models:large"


def test_a_bound_on_bytes_needs_the_size_of_a_model_of_ones_own() -> None:
    life = Life(a_job(**OWN, qos={"transfer": {"maxBytes": 1000}}))
    life.look()
    assert life.condition("Accepted") == ("False", "TransferInfeasible")
    sized = OWN | {"model": OWN["model"] | {"sizeBytes": 10}}
    life = Life(a_job(**sized, qos={"transfer": {"maxBytes": 1000}}))
    life.look()
    assert life.condition("Accepted") == ("True", "AsExpected")


@pytest.mark.parametrize("backend", ["Auto", "NumPy", "PyTorch"])
def test_the_backend_is_told_to_every_role_with_a_model(backend: str) -> None:
    roles = learning_roles("Federated", model={"name": "mlp-3", "backend": backend})
    assert {role.model.backend for role in roles.values()} == {Backend(backend)}


@pytest.mark.parametrize(
    ("model", "data", "field"),
    [
        pytest.param(
            {"name": "cnn"}, {"source": "BreastCancer"}, "spec.model.name: cnn learns from pictures", id="row"
        ),
        pytest.param(
            {"name": "vgg-16"}, {"source": "Digits"}, "at least 32 by 32; an example is 1 by 8 by 8", id="small"
        ),
        pytest.param({"name": "resnet-50", "hidden": [8]}, {"source": "Images"}, "spec.model.hidden", id="widths"),
        pytest.param({"name": "blood-pressure", "hidden": [8]}, {"source": "Synthetic"}, "2 hidden layers", id="two"),
        pytest.param({"name": "gpt-9"}, {"source": "Digits"}, "by spec.model.entryPoint", id="not built in"),
        pytest.param(
            {"name": "cnn"},
            {
                "source": "Volume",
                "claimName": "d",
                "path": "x",
                "task": {"features": 64, "outputs": 2, "shape": [1, 8, 9]},
            },
            "spec.data.task.shape: has 72 numbers, features says 64",
            id="shape",
        ),
    ],
)
def test_a_model_that_the_runtime_would_refuse_is_refused_before(
    model: dict[str, Any], data: dict[str, Any], field: str
) -> None:
    life = Life(a_job(model=model, data=data))
    life.look()
    accepted = next(c for c in life.job.status.conditions if c.type == "Accepted")
    assert (accepted.status, accepted.reason) == ("False", "InvalidSpec")
    assert field in accepted.message


@pytest.mark.parametrize(
    ("name", "data"),
    [
        *(pytest.param(name, {"source": "Images"}, id=f"{name} from made-up pictures") for name in NETWORKS),
        pytest.param("cnn", {"source": "Digits"}, id="cnn from digits"),
        pytest.param("blood-pressure", {"source": "Synthetic"}, id="blood-pressure"),
        pytest.param(
            "vgg-16",
            {
                "source": "Volume",
                "claimName": "d",
                "path": "x",
                "task": {"features": 3 * 64 * 48, "outputs": 2, "shape": [3, 64, 48]},
            },
            id="pictures from a volume",
        ),
    ],
)
def test_built_in_models_are_accepted_with_data_that_fit_them(name: str, data: dict[str, Any]) -> None:
    life = Life(a_job(model={"name": name}, data=data))
    life.look()
    assert life.condition("Accepted") == ("True", "AsExpected")


def test_layers_and_widths_of_the_regressor_are_those_of_the_runtime() -> None:
    job = a_job(model={"name": "blood-pressure"}, data={"source": "Synthetic"})
    assert layer_names(LearnedModel(name="blood-pressure")) == ("fc1", "relu1", "fc2", "relu2", "fc3")
    life = Life(a_job("Split", model={"name": "blood-pressure"}, data={"source": "Synthetic"}, split={"cut": "fc9"}))
    life.look()
    assert life.condition("Accepted") == ("False", "InvalidSpec")
    assert widths("blood-pressure", (), TASKS["Synthetic"]) == (8, 64, 32, 2)
    assert job.spec.model.title == "blood-pressure"
