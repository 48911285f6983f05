"""What is rendered of a training job: files that the runtime takes, pods that a restricted namespace takes."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_learning import Reencryption
from aif.domain.learning import RoleGroup, roles_of
from aif.domain.policy import Policy
from aif.planning.learning import layer_widths, model_figures
from aif.reconcile.training.children import certificates, config_map, network_policy, service
from aif.reconcile.training.files import role_file
from aif.reconcile.training.pods import batch_job
from aif.scheduling.learning import place
from aif_runtime.learning.data import TASKS
from aif_runtime.learning.learner import Plan
from aif_runtime.learning.models import widths
from aif_runtime.roles.access_manager import AccessManagerRole
from aif_runtime.roles.aggregator import AggregatorRole
from aif_runtime.roles.client import ClientRole
from aif_runtime.roles.compressor import CompressorRole
from aif_runtime.roles.evaluator import EvaluatorRole
from aif_runtime.roles.forwarding_plane import ForwardingPlaneRole
from aif_runtime.roles.local_function import LocalFunctionRole
from aif_runtime.roles.routine_manager import RoutineManagerRole
from aif_runtime.roles.settings import Role
from aif_runtime.roles.trainer import TrainerRole
from tests.reconcile.training.jobs import MODES, a_job, a_network, a_table

ROLES: dict[str, type[Role]] = {
    "access_manager": AccessManagerRole,
    "aggregator": AggregatorRole,
    "client": ClientRole,
    "compressor": CompressorRole,
    "evaluator": EvaluatorRole,
    "forwarding_plane": ForwardingPlaneRole,
    "local_function": LocalFunctionRole,
    "routine_manager": RoutineManagerRole,
    "trainer": TrainerRole,
}
EVERYTHING: dict[str, Any] = {
    "data": {
        "source": "Volume",
        "claimName": "data",
        "path": "x/y",
        "alphaPercent": 50,
        "task": {"features": 4, "outputs": 2},
    },
    "training": {"learningRatePpm": 1000, "momentumPercent": 50, "l1Ppm": 10},
    "strategy": {"name": "FedProx", "clientPercent": 50, "parameters": [{"name": "proximal_mu", "value": "10m"}]},
    "stop": {"targetAccuracyBasisPoints": 9000, "patienceRounds": 3},
}
each_mode = pytest.mark.parametrize("mode", MODES)


def jobs_of(mode: str, **spec: Any) -> dict[str, dict[str, Any]]:
    """Return the Job of each role, placed."""
    job, network = a_job(mode, **spec), a_network()
    placements = [choice.placement for choice in place(job, a_table(network), Policy()).choices]
    hosts = {node.name: node.name for _, node in network}
    hosts |= {f"digits-{role.name}": "10.0.0.1" for role in roles_of(job)}
    return {
        role.name: batch_job(job, role, [each for each in placements if each.role == role.name], hosts, Policy())
        for role in roles_of(job)
    }


@each_mode
@pytest.mark.parametrize("spec", [{}, EVERYTHING, {"tls": "None"}], ids=["least", "everything", "without TLS"])
def test_the_runtime_takes_the_file_of_every_role(mode: str, spec: dict[str, Any]) -> None:
    job = a_job(mode, **spec)
    for role in roles_of(job):
        read = ROLES[role.module].model_validate_json(json.dumps(role_file(job, role)))
        assert read.name == role.name


@pytest.mark.parametrize("asked", list(Reencryption))
def test_the_routine_manager_is_told_how_frames_are_encrypted(asked: Reencryption) -> None:
    job = a_job("TwoLevel", privacy={"kAnonymity": 2, "reencryption": asked})
    (role,) = (role for role in roles_of(job) if role.module == "routine_manager")
    read = RoutineManagerRole.model_validate_json(json.dumps(role_file(job, role)))
    assert str(read.privacy.reencryption) == str(asked)


def test_a_file_says_what_the_spec_says() -> None:
    job = a_job("Federated", **EVERYTHING, quorum={"minClients": 2, "onLoss": "Wait"}, seed=7)
    read = AggregatorRole.model_validate(role_file(job, roles_of(job)[0]))
    assert (read.rules.clients, read.rules.quorum, read.rules.on_loss) == (3, 2, "Wait")
    assert read.rules.target_accuracy == 0.9
    assert read.plan.built() == Plan(0.001, 0.5, 32, 1, 0.00001)
    assert (read.strategy.fraction, read.strategy.parameters) == (0.5, {"proximal_mu": 0.01})
    assert str(read.output.folder) == "/claims/models/digits"


@pytest.mark.parametrize("mode", ["Centralized", "Federated", "Split", "TwoLevel", "Distillation", "Compression"])
def test_a_model_is_written_as_onnx_where_that_is_asked_for_and_only_there(mode: str) -> None:
    for formats in ([], ["ONNX"]):
        job = a_job(mode, output={"claimName": "models", "formats": formats})
        leader = roles_of(job)[0]
        told = role_file(job, leader)
        assert told["output"].get("onnx", False) is bool(formats)
        assert ROLES[leader.module].model_validate(told).output.onnx is bool(formats)  # type: ignore[attr-defined]


def test_over_two_levels_the_aggregator_waits_for_servers_and_for_terminals_without_one() -> None:
    job = a_job("TwoLevel")
    read = AggregatorRole.model_validate(role_file(job, roles_of(job)[0]))
    assert (read.rules.clients, read.rules.quorum) == (1 + 3, 1 + 2)


@each_mode
def test_every_pod_keeps_to_the_restricted_profile_and_has_no_token(mode: str) -> None:
    for body in jobs_of(mode).values():
        pod = body["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "secret", "persistentVolumeClaim"}


@each_mode
def test_every_child_has_a_fixed_name_and_belongs_to_the_job(mode: str) -> None:
    job = a_job(mode)
    for role in roles_of(job):
        bodies = [config_map(job, role), network_policy(job, role), service(job, role), jobs_of(mode)[role.name]]
        for body in bodies:
            (owner,) = body["metadata"]["ownerReferences"]
            assert (owner["kind"], owner["uid"], owner["controller"]) == ("TrainingJob", "uid-digits", True)
            assert body["metadata"]["name"] == f"digits-{role.name}"


def test_a_role_sees_the_key_of_no_other() -> None:
    for name, body in jobs_of("TwoLevel").items():
        secrets = [v["secret"]["items"] for v in body["spec"]["template"]["spec"]["volumes"] if "secret" in v]
        assert [{item["key"] for item in items} for items in secrets] == [{"ca.crt", f"{name}.crt", f"{name}.key"}]


def test_no_terminal_may_dial_the_server_of_a_group() -> None:
    job = a_job("Split")
    reached = {role.name: _callers(job, role) for role in roles_of(job)}
    assert reached["local-all"] == {"forwarding"}
    assert reached["forwarding"] == reached["access"] == {"client"}
    assert "client" not in reached["aggregator"]
    assert reached["client"] == set()


def test_terminals_of_a_group_without_a_server_may_dial_the_aggregator() -> None:
    job = a_job("TwoLevel")
    assert "client" in _callers(job, roles_of(job)[0])


def _callers(job: TrainingJob, role: RoleGroup) -> set[str]:
    rules = network_policy(job, role)["spec"].get("ingress", [])
    peers = [peer for rule in rules for peer in rule.get("from", [])]
    return {peer["podSelector"]["matchLabels"]["net4ai.io/role"] for peer in peers}


def test_the_secret_is_another_for_a_job_of_the_same_name() -> None:
    other = a_job(metadata={"uid": "uid-later"})
    assert certificates(a_job())[0]["metadata"]["name"] != certificates(other)[0]["metadata"]["name"]


def test_clients_are_one_indexed_job() -> None:
    spec = jobs_of("Federated")["client"]["spec"]
    assert (spec["completions"], spec["parallelism"], spec["completionMode"]) == (3, 3, "Indexed")


@given(st.integers(1, 8), st.sampled_from(["Digits", "BreastCancer", "Synthetic"]))
def test_the_size_of_a_built_in_model_is_that_of_the_runtime(layers: int, source: str) -> None:
    job = a_job(model={"name": f"mlp-{layers}"}, data={"source": source})
    known = widths(f"mlp-{layers}", (), TASKS[source])
    assert layer_widths(job.spec.model, job.spec.data) == known
    numbers = sum(one * other + other for one, other in pairwise(known))
    assert model_figures(job.spec.model, job.spec.data)[0] == 4 * numbers
