"""What the schema of a TrainingJob cannot see: names within built-in models, what modes can keep, what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Final

from aif.api.base import Level
from aif.api.conditions import Reason
from aif.api.qos import Enforcement
from aif.api.trainingjob import Mode, TrainingJob
from aif.api.trainingjob_learning import ALL_OUTPUT, AUTO_CUT, RAW_INPUT, LearnedModel
from aif.domain.conditions import Verdict
from aif.domain.learning import groups_of
from aif.domain.policy import Policy
from aif.planning.learning import expected, layer_names

_PARAMETERS: Final = {
    "FedAvg": frozenset[str](),
    "FedProx": frozenset({"proximal_mu"}),
    "FedAdam": frozenset({"eta", "beta_1", "beta_2", "tau"}),
    "Median": frozenset[str](),
    "Krum": frozenset({"num_malicious_nodes"}),
}
"""Numbers that each strategy knows."""

_DEEPEST: Final = 64

Check = Callable[[TrainingJob, Policy], Verdict | None]


def accept(job: TrainingJob, policy: Policy) -> Verdict | None:
    """Return why ``job`` is not accepted, the first fault only; None where it is."""
    return next((fault for check in CHECKS if (fault := check(job, policy)) is not None), None)


def _models_exist(job: TrainingJob, policy: Policy) -> Verdict | None:
    del policy
    models = {"spec.model": job.spec.model}
    if job.spec.distillation:
        models["spec.distillation.model"] = job.spec.distillation.model
    return next((fault for path, model in models.items() if (fault := _of_model(path, model)) is not None), None)


def _of_model(path: str, model: LearnedModel) -> Verdict | None:
    if not model.name.startswith("mlp-"):
        return None  # one that the image brings along
    count = model.name.removeprefix("mlp-")
    if not count.isdigit() or not 1 <= int(count) <= _DEEPEST:
        return _fault(f"{path}.name: there is no {model.name}; built in are mlp-1 to mlp-{_DEEPEST}")
    if model.hidden and len(model.hidden) != int(count) - 1:
        return _fault(f"{path}.hidden: {model.name} has {int(count) - 1} hidden layers, {len(model.hidden)} are given")
    return None


def _cuts_exist(job: TrainingJob, policy: Policy) -> Verdict | None:
    del policy
    layers = layer_names(job.spec.model)
    known = {AUTO_CUT, RAW_INPUT, ALL_OUTPUT, *layers}
    wrong = next((group for group in groups_of(job) if layers and group.cut not in known), None)
    if wrong is None:
        return None
    where = "spec.split.cut" if job.spec.mode is Mode.SPLIT else f"spec.groups of {wrong.name}: cut"
    return _fault(f"{where}: {job.spec.model.name} has no layer {wrong.cut} to cut behind; it has {', '.join(layers)}")


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
    _models_exist,
    _cuts_exist,
    _parameters_known,
    _runtime_class_allowed,
    _data_kept,
    _algorithm_kept,
    _transfer_fits,
    _storage_fits,
)
