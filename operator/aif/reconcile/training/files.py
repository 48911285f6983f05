"""The file of each role of a training job, as the learning runtime reads it."""

from __future__ import annotations

from typing import Any, Final

from aif.api.trainingjob import Mode, Tls, TrainingJob
from aif.api.trainingjob_model import Backend, LearnedModel
from aif.api.trainingjob_reuse import StoredModel
from aif.domain.learning import (
    ACCESS,
    AGGREGATOR,
    CLIENT,
    COMPRESSOR,
    EVALUATOR,
    FORWARDING,
    MANAGER,
    TRAINER,
    RoleGroup,
    groups_of,
)

STREAM_PORT: Final = 7070
STATUS_PORT: Final = 7071
CLAIMS: Final = "/claims"
TLS_FOLDER: Final = "/etc/aif/tls"
TERMINATION: Final = "/dev/termination-log"

_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - a pod has one address, which is not known before it runs
_MILLION: Final = 1e6
_GATHER_SECONDS: Final = 30.0

Json = dict[str, Any]


def role_file(job: TrainingJob, role: RoleGroup) -> Json:
    """Return the file of ``role``; the runtime refuses a field that it does not know."""
    makers = {
        AGGREGATOR: _aggregator,
        EVALUATOR: _evaluator,
        CLIENT: _client,
        MANAGER: _manager,
        ACCESS: _access,
        FORWARDING: _forwarding,
        TRAINER: _trainer,
        COMPRESSOR: _compressor,
    }
    own = makers[role.name](job) if role.name in makers else _local_function(job, role)
    common = {"job": job.metadata.name, "name": role.name, "seed": job.spec.seed, "terminationPath": TERMINATION}
    return {**common, **_protection(job, role), **(_learning(job) if role.learns else {}), **own}


def service_name(job: TrainingJob, role: str) -> str:
    """Return the name of a role's children, under which others dial it."""
    return f"{job.metadata.name}-{role}"


def folder(job: TrainingJob) -> str:
    """Return where the job keeps what outlives its pods, as its pods see it."""
    return f"{CLAIMS}/{job.spec.output.claim_name}/{job.metadata.name}"


def _address(job: TrainingJob, role: str) -> str:
    return f"{service_name(job, role)}:{STREAM_PORT}"


def _protection(job: TrainingJob, role: RoleGroup) -> Json:
    if job.spec.tls is Tls.NONE or not role.talks:
        return {"insecure": True}
    names = {"authority": "ca.crt", "certificate": "tls.crt", "key": "tls.key"}
    return {"tls": {field: f"{TLS_FOLDER}/{name}" for field, name in names.items()}}


def _learning(job: TrainingJob) -> Json:
    data, rules = job.spec.data, job.spec.training
    told: Json = {
        "model": _model(job.spec.model, together=job.spec.workers > 1),
        "data": {
            "source": data.source,
            "clients": max(1, job.client_count),
            "alpha": data.alpha_percent / 100,
            "examples": data.examples_per_client,
        },
        "plan": {
            "learningRate": rules.learning_rate_ppm / _MILLION,
            "momentum": rules.momentum_percent / 100,
            "batch": rules.batch_size,
            "localEpochs": job.spec.rounds.local_epochs,
            "l1": rules.l1_ppm / _MILLION,
        },
    }
    if data.claim_name and data.path:
        told["data"]["path"] = f"{CLAIMS}/{data.claim_name}/{data.path}"
    if data.task:
        told["task"] = {
            "features": data.task.features,
            "outputs": data.task.outputs,
            "loss": data.task.loss,
            "shape": data.task.shape,
        }
    return told


def _model(model: LearnedModel, *, together: bool = False) -> Json:
    if model.entry_point:
        return {"entryPoint": model.entry_point}
    backend = Backend.PYTORCH if together else model.backend  # only PyTorch has workers that learn together
    return {"name": model.name, "hidden": list(model.hidden), "backend": backend}


def _stored(model: StoredModel) -> str:
    return f"{CLAIMS}/{model.claim_name}/{model.path}"


def _output(job: TrainingJob) -> Json:
    return {"folder": folder(job), "name": job.spec.output.name}


def _aggregator(job: TrainingJob) -> Json:
    strategy = job.spec.strategy
    return {
        "listen": f"{_EVERYWHERE}:{STREAM_PORT}",
        "statusListen": f"{_EVERYWHERE}:{STATUS_PORT}",
        "state": f"{folder(job)}/state",
        "rules": _rules(job),
        **_tasks(job),
        "strategy": {
            "name": strategy.name,
            "fraction": strategy.client_percent / 100,
            "parameters": {one.name: float(one.value) for one in strategy.parameters},
        },
        "output": _output(job),
    }


def _rules(job: TrainingJob) -> Json:
    spec = job.spec
    clients, quorum = _members(job)
    told: Json = {
        "rounds": spec.rounds.max,
        "roundSeconds": spec.rounds.timeout_seconds,
        "clients": clients,
        "quorum": quorum,
        "onLoss": spec.quorum.on_loss,
        "gatherSeconds": _GATHER_SECONDS,
        "deadlineSeconds": spec.stop.deadline_seconds,
        "evaluators": 1,
        **_stop(job),
    }
    return told


def _tasks(job: TrainingJob) -> Json:
    """Return the tasks of a job whose model is validated; one that just learns names none."""
    if job.spec.validation is None:
        return {}
    least = job.spec.validation.min_accuracy_basis_points / 10_000
    learn = {"name": "train", "kind": "Train"}
    return {"tasks": [learn, {"name": "validate", "kind": "Validate", "after": ["train"], "leastAccuracy": least}]}


def _stop(job: TrainingJob) -> Json:
    stop, told = job.spec.stop, {}
    if stop.target_accuracy_basis_points is not None:
        told["targetAccuracy"] = stop.target_accuracy_basis_points / 10_000
    if stop.patience_rounds is not None:
        told["patienceRounds"] = stop.patience_rounds
    return told


def _members(job: TrainingJob) -> tuple[int, int]:
    """Return how many attach to the aggregator, and how many of them a round needs.

    Over two levels these are the local functions, and the terminals of groups that have none.
    """
    if job.spec.mode is Mode.FEDERATED:
        return job.client_count, quorum_of(job)
    groups, k = groups_of(job), job.spec.privacy.k_anonymity
    servers = sum(bool(group.role) for group in groups)
    whole = [group.clients for group in groups if not group.role]
    return servers + sum(whole), servers + k * len(whole)


def quorum_of(job: TrainingJob) -> int:
    """Return the fewest clients of a round."""
    if job.spec.quorum.min_clients is not None:
        return job.spec.quorum.min_clients
    if job.spec.mode in (Mode.SPLIT, Mode.TWO_LEVEL):
        return job.spec.privacy.k_anonymity * len(groups_of(job))
    return job.client_count


def _evaluator(job: TrainingJob) -> Json:
    return {"aggregator": _address(job, AGGREGATOR)}


def _client(job: TrainingJob) -> Json:
    if job.spec.mode is Mode.FEDERATED:
        return {"aggregator": _address(job, AGGREGATOR)}
    return {
        "access": _address(job, ACCESS),
        "offer": {"consent": True, "rawInputAllowed": not job.spec.privacy.forbid_raw_input},
    }


def _manager(job: TrainingJob) -> Json:
    privacy = job.spec.privacy
    return {
        "listen": f"{_EVERYWHERE}:{STREAM_PORT}",
        "aggregator": _address(job, AGGREGATOR),
        "forwarding": _address(job, FORWARDING),
        "groups": [
            {
                "name": group.name,
                "cut": group.cut,
                "clients": group.clients,
                "server": _address(job, group.role) if group.role else "",
            }
            for group in groups_of(job)
        ],
        "privacy": {
            "kAnonymity": privacy.k_anonymity,
            "forbidRawInput": privacy.forbid_raw_input,
            "reencryption": privacy.reencryption,
        },
        "state": f"{folder(job)}/routine",
        "deadlineSeconds": job.spec.stop.deadline_seconds,
        "gatherSeconds": _GATHER_SECONDS,
    }


def _access(job: TrainingJob) -> Json:
    return {
        "listen": f"{_EVERYWHERE}:{STREAM_PORT}",
        "manager": _address(job, MANAGER),
        "purpose": f"training of {job.spec.model.title} by the job {job.metadata.name}",
    }


def _forwarding(job: TrainingJob) -> Json:
    return {"listen": f"{_EVERYWHERE}:{STREAM_PORT}", "manager": _address(job, MANAGER)}


def _local_function(job: TrainingJob, role: RoleGroup) -> Json:
    return {
        "group": role.group,
        "listen": f"{_EVERYWHERE}:{STREAM_PORT}",
        "manager": _address(job, MANAGER),
        "aggregator": _address(job, AGGREGATOR),
        "schedule": job.spec.split.schedule if job.spec.split else "Parallel",
        "momentum": "Keep" if job.spec.mode is Mode.SPLIT else "Reset",
    }


def _trainer(job: TrainingJob) -> Json:
    told: Json = {
        "rounds": job.spec.rounds.max,
        "statusListen": f"{_EVERYWHERE}:{STATUS_PORT}",
        "state": f"{folder(job)}/state",
        "output": _output(job),
        **_stop(job),
    }
    if job.spec.workers > 1:
        told["workers"] = {"count": job.spec.workers, "address": _address(job, TRAINER)}
    if validation := job.spec.validation:
        told["leastAccuracy"] = validation.min_accuracy_basis_points / 10_000
    if distillation := job.spec.distillation:
        told["teacher"] = {
            "model": _model(distillation.model),
            "path": _stored(distillation.teacher),
            "temperature": float(distillation.temperature),
        }
    return told


def _compressor(job: TrainingJob) -> Json:
    asked = job.spec.compression
    if asked is None:  # a rule of the kind: this mode has it
        raise ValueError(job.metadata.name)
    return {
        "path": _stored(asked.source),
        "methods": list(asked.methods),
        "share": asked.share_percent / 100,
        "threshold": float(asked.threshold),
        "rounds": job.spec.rounds.max,
        "output": _output(job),
    }
