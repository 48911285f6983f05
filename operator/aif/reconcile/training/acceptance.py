"""What the schema of a TrainingJob cannot see: names within built-in models, what modes can keep, what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, prod
from typing import Final

from aif.api.base import Level
from aif.api.conditions import Reason
from aif.api.qos import Enforcement
from aif.api.trainingjob import Mode, TrainingJob
from aif.api.trainingjob_learning import ALL_OUTPUT, AUTO_CUT, RAW_INPUT, LearnedData
from aif.api.trainingjob_model import LearnedModel
from aif.domain.conditions import Verdict
from aif.domain.learning import groups_of
from aif.domain.policy import Policy
from aif.planning.learning import expected, layer_names, layers_of, shape_of

_PARAMETERS: Final = {
    "FedAvg": frozenset[str](),
    "FedProx": frozenset({"proximal_mu"}),
    "FedAdam": frozenset({"eta", "beta_1", "beta_2", "tau"}),
    "Median": frozenset[str](),
    "Krum": frozenset({"num_malicious_nodes"}),
}
"""Numbers that each strategy knows."""

NETWORKS: Final = {"cnn": 8, "vgg-16": 32, "resnet-50": 32}
"""Built-in models for pictures, with the smallest side of one; only PyTorch has them."""

_DEEPEST: Final = 64
_PICTURE: Final = 3
"""Dimensions: channels, rows, columns."""

Check = Callable[[TrainingJob, Policy], Verdict | None]


def accept(job: TrainingJob, policy: Policy) -> Verdict | None:
    """Return why ``job`` is not accepted, the first fault only; None where it is."""
    return next((fault for check in CHECKS if (fault := check(job, policy)) is not None), None)


def _models_exist(job: TrainingJob, policy: Policy) -> Verdict | None:
    del policy
    models = {"spec.model": job.spec.model}
    if job.spec.distillation:
        models["spec.distillation.model"] = job.spec.distillation.model
    faults = (_of_model(path, model, job.spec.data) for path, model in models.items())
    return next((_fault(fault) for fault in faults if fault), None)


def _of_model(path: str, model: LearnedModel, data: LearnedData) -> str:
    """Return what is wrong with a model by its name; nothing where it can be had, or only the image knows it."""
    if model.name is None:
        return ""
    if model.name in NETWORKS:
        return _of_network(path, model, data)
    layers = layers_of(model)
    if not 1 <= layers <= _DEEPEST:
        known = f"mlp-1 to mlp-{_DEEPEST}, blood-pressure, {', '.join(NETWORKS)}"
        return f"{path}.name: there is no {model.name}; built in are {known}; one of your own goes by {path}.entryPoint"
    if model.hidden and len(model.hidden) != layers - 1:
        return f"{path}.hidden: {model.name} has {layers - 1} hidden layers, {len(model.hidden)} are given"
    return ""


def _of_network(path: str, model: LearnedModel, data: LearnedData) -> str:
    least, shape = NETWORKS[model.title], shape_of(data)
    if model.hidden:
        return f"{path}.hidden: {model.name} has widths of its own; leave it out"
    if len(shape) != _PICTURE or min(shape[1:]) < least:
        told = " by ".join(map(str, shape))
        return f"{path}.name: {model.name} learns from pictures of at least {least} by {least}; an example is {told}"
    return ""


def _shape_holds(job: TrainingJob, policy: Policy) -> Verdict | None:
    del policy
    task = job.spec.data.task
    if task is None or not task.shape or prod(task.shape) == task.features:
        return None
    return _fault(f"spec.data.task.shape: has {prod(task.shape)} numbers, features says {task.features}")


def _cuts_exist(job: TrainingJob, policy: Policy) -> Verdict | None:
    del policy
    layers = layer_names(job.spec.model)
    known = {AUTO_CUT, RAW_INPUT, ALL_OUTPUT, *layers}
    wrong = next((group for group in groups_of(job) if layers and group.cut not in known), None)
    if wrong is None:
        return None
    where = "spec.split.cut" if job.spec.mode is Mode.SPLIT else f"spec.groups of {wrong.name}: cut"
    return _fault(f"{where}: {job.spec.model.title} has no layer {wrong.cut} to cut behind; it has {', '.join(layers)}")


def _parameters_known(job: TrainingJob, policy: Policy) -> Verdict | None:
    del policy
    known = _PARAMETERS[job.spec.strategy.name]
    wrong = [one.name for one in job.spec.strategy.parameters if one.name not in known]
    if not wrong:
        return None
    may = ", ".join(sorted(known)) or "none"
    return _fault(f"spec.strategy.parameters: {job.spec.strategy.name} knows {may}, and no {', '.join(wrong)}")


def _runtime_class_allowed(job: TrainingJob, policy: Policy) -> Verdict | None:
    name = job.spec.workload.runtime_class_name
    if name is None or name in policy.runtime_classes:
        return None
    allowed = ", ".join(sorted(policy.runtime_classes)) or "none"
    return _fault(
        f"spec.workload.runtimeClassName: {name} is not among those that the administrator allows ({allowed})"
    )


def _data_kept(job: TrainingJob, policy: Policy) -> Verdict | None:
    del policy
    if job.spec.qos.data_privacy_level is not Level.HIGH:
        return None
    apart = job.spec.mode in (Mode.FEDERATED, Mode.SPLIT, Mode.TWO_LEVEL)
    sent = job.spec.mode is not Mode.FEDERATED and not job.spec.privacy.forbid_raw_input
    if apart and not sent:
        return None
    message = "spec.qos.dataPrivacyLevel: High needs data that stay apart: Federated, or privacy.forbidRawInput"
    return Verdict("Accepted", "False", Reason.PRIVACY_INFEASIBLE, message)


def _algorithm_kept(job: TrainingJob, policy: Policy) -> Verdict | None:
    del policy
    if job.spec.qos.algorithm_privacy_level is not Level.HIGH:
        return None
    whole = [group.name for group in groups_of(job) if group.cut == ALL_OUTPUT]
    if job.spec.mode is not Mode.FEDERATED and not whole:
        return None
    message = "spec.qos.algorithmPrivacyLevel: High gives no terminal the whole model: use Split, and no cut at Output"
    return Verdict("Accepted", "False", Reason.PRIVACY_INFEASIBLE, message)


def _transfer_fits(job: TrainingJob, policy: Policy) -> Verdict | None:
    del policy
    asked = job.spec.qos.transfer
    if asked is None or asked.enforcement is not Enforcement.HARD:
        return None
    return _kept("transfer", Reason.TRANSFER_INFEASIBLE, expected(job).total_bytes, float(asked.max_bytes))


def _storage_fits(job: TrainingJob, policy: Policy) -> Verdict | None:
    del policy
    asked = job.spec.qos.storage
    if asked is None or asked.enforcement is not Enforcement.HARD:
        return None
    return _kept("storage", Reason.STORAGE_INFEASIBLE, expected(job).storage_bytes, float(asked.max_bytes))


def _kept(dimension: str, reason: Reason, needed: float, bound: float) -> Verdict | None:
    if not isfinite(needed):
        message = f"spec.qos.{dimension}: cannot be promised while spec.model.sizeBytes is not given"
        return Verdict("Accepted", "False", reason, message)
    if needed <= bound:
        return None
    message = f"spec.qos.{dimension}.maxBytes: all rounds take {needed:.0f} bytes, {bound:.0f} are allowed"
    return Verdict("Accepted", "False", reason, message)


def _fault(message: str) -> Verdict:
    return Verdict("Accepted", "False", Reason.INVALID_SPEC, message)


CHECKS: tuple[Check, ...] = (
    _shape_holds,
    _models_exist,
    _cuts_exist,
    _parameters_known,
    _runtime_class_allowed,
    _data_kept,
    _algorithm_kept,
    _transfer_fits,
    _storage_fits,
)
