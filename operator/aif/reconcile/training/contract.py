"""The contract of a training job, dimension by dimension: asked for, predicted, measured ([6GANA] QoAIS)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import ceil, isfinite
from typing import Final

from aif.api.aiservice_status import DimensionStatus
from aif.api.conditions import Reason
from aif.api.qos import Dimension
from aif.api.trainingjob import TrainingJob
from aif.api.trainingjob_status import JobProgress
from aif.domain.conditions import timestamp
from aif.planning.learning import expected
from aif.reconcile.training.scene import Standing, ran_seconds
from aif.scheduling.promises import Outlook

BREACHES: Final[Mapping[str, Reason]] = {
    "accuracy": Reason.ACCURACY_BREACHED,
    "time": Reason.TIME_BREACHED,
    "transfer": Reason.TRANSFER_BREACHED,
    "storage": Reason.STORAGE_BREACHED,
    "energy": Reason.ENERGY_BREACHED,
}
"""What a broken bound of each dimension is called."""


def contract(
    job: TrainingJob, standing: Standing, progress: JobProgress | None, foreseen: Outlook, now: datetime
) -> list[DimensionStatus]:
    """Return each bound beside what was predicted and measured.

    Compute, security and privacy have no row: they are kept by where the roles may stand.
    """
    before = {row.dimension: row for row in job.status.qos}
    rows = [*_upper(job, standing, progress, foreseen, now), *_accuracy(job, progress)]
    return [_dated(row, before.get(row.dimension), now) for row in rows]


def _upper(
    job: TrainingJob, standing: Standing, progress: JobProgress | None, foreseen: Outlook, now: datetime
) -> Iterator[DimensionStatus]:
    qos, takes = job.spec.qos, expected(job)
    at = progress.measured_at if progress else None
    if qos.time:
        ran = round(ran_seconds(standing.timers, now)) if at else None
        yield _bound("time", qos.time, qos.time.max_seconds, foreseen.seconds, ran, at)
    if qos.transfer:
        sent = progress.transferred_bytes if progress else None
        yield _bound("transfer", qos.transfer, int(float(qos.transfer.max_bytes)), takes.total_bytes, sent, at)
    if qos.storage:
        stored = progress.stored_bytes if progress else None
        yield _bound("storage", qos.storage, int(float(qos.storage.max_bytes)), takes.storage_bytes, stored, at)
    if qos.energy:
        spent = progress.millijoules if progress else None
        kilojoules = None if spent is None else round(spent / 1e6)
        yield _bound("energy", qos.energy, qos.energy.max_kilojoules, foreseen.joules / 1e3, kilojoules, at)


def _bound(
    dimension: str, asked: Dimension, target: int, predicted: float, measured: int | None, at: str | None
) -> DimensionStatus:
    broken = measured is not None and measured > target * (1 + asked.tolerance_percent / 100)
    return DimensionStatus(
        dimension=dimension,
        target=target,
        predicted=ceil(predicted) if isfinite(predicted) else None,
        measured=measured,
        measured_at=at if measured is not None else None,
        verdict="Unknown" if measured is None else "Breached" if broken else "Met",
        reason=BREACHES[dimension] if broken else None,
    )


def _accuracy(job: TrainingJob, progress: JobProgress | None) -> Iterator[DimensionStatus]:
    """Yield the accuracy beside its bound: a model that is not finished yet has broken nothing."""
    asked = job.spec.qos.accuracy
    if asked is None:
        return
    reached = progress.accuracy_basis_points if progress else None
    done = progress is not None and progress.phase == "Complete"
    broken = done and reached is not None and reached * (1 + asked.tolerance_percent / 100) < asked.min_basis_points
    met = reached is not None and (reached >= asked.min_basis_points or (done and not broken))
    yield DimensionStatus(
        dimension="accuracy",
        target=asked.min_basis_points,
        measured=reached,
        measured_at=progress.measured_at if progress and reached is not None else None,
        verdict="Breached" if broken else "Met" if met else "Unknown",
        reason=Reason.ACCURACY_BREACHED if broken else None,
    )


def _dated(row: DimensionStatus, before: DimensionStatus | None, now: datetime) -> DimensionStatus:
    """Return ``row`` with the moment at which its verdict became what it is."""
    if row.verdict == "Unknown":
        return row
    same = before is not None and before.verdict == row.verdict
    since = before.since if before is not None and same and before.since else timestamp(now)
    alarm = "Raised" if row.verdict == "Breached" else None
    return row.model_copy(update={"since": since, "alarm": alarm, "alarm_since": since if alarm else None})
