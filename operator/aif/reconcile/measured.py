"""What was measured, as the status tells it: a verdict per dimension, conditions, and events of alarms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aif.api.aiservice import AIService
from aif.api.aiservice_status import DimensionStatus
from aif.api.conditions import Reason
from aif.contract.alarms import Finding, Phase
from aif.contract.limits import Limit, Sense, limits_of, load_of
from aif.contract.readings import Gap
from aif.contract.watch import Judged
from aif.domain import events
from aif.domain.actions import Emit
from aif.domain.conditions import Verdict, timestamp
from aif.reconcile.rollout import reference

BREACHES = {
    "latency": Reason.LATENCY_BREACHED,
    "energy": Reason.ENERGY_BREACHED,
    "accuracy": Reason.ACCURACY_BREACHED,
    "availability": Reason.AVAILABILITY_BREACHED,
    "jitter": Reason.JITTER_BREACHED,
    "reliability": Reason.RELIABILITY_BREACHED,
}
"""What a broken promise of each dimension is called."""

_ALARMS = {Phase.QUIET: None, Phase.PENDING: "Pending", Phase.RAISED: "Raised"}
_RAISED = _ALARMS[Phase.RAISED]
_UNAVAILABLE = (Gap.FAILED, Gap.MISSING, Gap.STALE)
_VERDICTS = {Finding.UNKNOWN: "Unknown", Finding.MET: "Met", Finding.BREACHED: "Breached"}
_FIGURE = re.compile(r" is (?:\d+|unknown)[^;]*")
"""What `sentence` says of a dimension that changes with every look."""
_UNITS = {1e-6: "us", 1e-3: "mJ", 1e-4: "basis points"}


def rows(
    planned: Sequence[DimensionStatus], before: Sequence[DimensionStatus], judged: Sequence[Judged], service: AIService
) -> list[DimensionStatus]:
    """Return ``status.qos``: what is planned, with what is known of it.

    A measured value is that of the last change of verdict or alarm, so that a value that only moves writes nothing.
    """
    known = {each.dimension: each for each in judged}
    earlier = {row.dimension: row for row in before}
    limits = {limit.dimension: limit for limit in limits_of(service)}
    named = {row.dimension for row in planned}
    more = [DimensionStatus(dimension=name, target=in_spec(each, each.target)) for name, each in limits.items()]
    return [
        _row(row, earlier.get(row.dimension), known.get(row.dimension))
        for row in (*planned, *(row for row in more if row.dimension not in named))
    ]


def _row(row: DimensionStatus, before: DimensionStatus | None, judged: Judged | None) -> DimensionStatus:
    if judged is None:
        return row
    told = {
        "verdict": _VERDICTS[judged.finding],
        "reason": str(judged.gap.reason) if judged.gap is not Gap.NONE else None,
        "alarm": _ALARMS[judged.phase],
    }
    if before is not None and before.target == row.target and all(getattr(before, k) == v for k, v in told.items()):
        kept = {
            name: getattr(before, name) for name in ("measured", "measured_at", "since", "alarm_since", "estimated")
        }
        return row.model_copy(update=told | kept)
    turned = before is None or before.verdict != told["verdict"]
    return row.model_copy(
        update={
            **told,
            "measured": None if (value := telling(judged)) is None else in_spec(judged.limit, value),
            "measured_at": None if judged.at is None else _time(judged.at),
            "estimated": judged.estimated or None,
            "since": _time(judged.seen) if turned or before is None else before.since,
            "alarm_since": None if judged.phase is Phase.QUIET else _time(judged.since),
        }
    )


def telling(judged: Judged) -> float | None:
    """Return the value that the finding rests on: a promise is kept as soon as the fast window says so."""
    kept = judged.finding is Finding.MET and judged.value is not None and judged.recent is not None
    late = kept and judged.value is not None and load_of(judged.limit, judged.value) > judged.limit.raise_above
    return judged.recent if late else judged.value


def conditions(service: AIService, judged: Sequence[Judged] | None) -> Iterator[Verdict]:
    """Yield what `verdicts` says, in the words of before where it is about the same promises: figures write nothing."""
    before = {each.type: each for each in service.status.conditions}
    for verdict in verdicts(service, judged):
        known = before.get(verdict.type)
        same = (
            known is not None
            and (known.status, known.reason) == (verdict.status, verdict.reason)
            and known.observed_generation == service.metadata.generation
            and _without_figures(known.message) == _without_figures(verdict.message)
        )
        yield replace(verdict, message=known.message) if known is not None and same else verdict


def _without_figures(message: str) -> str:
    return _FIGURE.sub("", message)


def verdicts(service: AIService, judged: Sequence[Judged] | None) -> Iterator[Verdict]:
    """Yield QoSMet, MetricsAvailable, and ThresholdAlarm while there is an alarm.

    Args:
        service: Whose contract is judged.
        judged: What is known of its promises; none where it was not looked at, None where nothing measures.
    """
    if not judged:
        why = "No metrics source is configured" if judged is None else "Not measured yet"
        if not limits_of(service):
            why = "Nothing that can be measured is promised"
        yield Verdict("QoSMet", "Unknown", Reason.METRICS_MISSING, why)
        yield Verdict("MetricsAvailable", "Unknown", Reason.METRICS_MISSING, why)
        return
    yield _met(judged)
    missing = [each for each in judged if each.gap in _UNAVAILABLE]
    if missing:
        reason = min(missing, key=lambda each: each.gap).gap.reason
        names = ", ".join(each.dimension for each in missing)
        yield Verdict("MetricsAvailable", "False", reason, f"Nothing usable is measured of: {names}")
    else:
        yield Verdict("MetricsAvailable", "True", Reason.AS_EXPECTED)
    raised = [each for each in judged if each.phase is Phase.RAISED]
    if raised:
        sentences = "; ".join(sentence(each) for each in raised)
        yield Verdict("ThresholdAlarm", "True", BREACHES[raised[0].dimension], sentences)


def _met(judged: Sequence[Judged]) -> Verdict:
    """Return whether the contract is kept: by its hard dimensions where it has any."""
    binding = [each for each in judged if each.limit.hard] or judged
    broken = [each for each in binding if each.finding is Finding.BREACHED]
    unknown = [each for each in binding if each.finding is Finding.UNKNOWN]
    if broken:
        return Verdict("QoSMet", "False", BREACHES[broken[0].dimension], "; ".join(sentence(e) for e in broken))
    if unknown:
        first = min(unknown, key=lambda each: each.gap)
        names = ", ".join(each.dimension for each in unknown)
        return Verdict("QoSMet", "Unknown", first.gap.reason, f"Not known: {names}")
    return Verdict("QoSMet", "True", Reason.AS_EXPECTED)


def sentence(judged: Judged) -> str:
    """Return how a promise stands against what was measured, in the units of the spec."""
    limit = judged.limit
    bound = "at most" if limit.sense is Sense.AT_MOST else "at least"
    unit = "ppm" if limit.sense is Sense.SHARE else _UNITS[limit.scale]
    known = telling(judged)
    value = "unknown" if known is None else f"{in_spec(limit, known)} {unit}"
    estimated = ", the way to the users estimated" if judged.estimated else ""
    return f"{judged.dimension} is {value}{estimated}; promised: {bound} {in_spec(limit, limit.target)} {unit}"


def in_spec(limit: Limit, value: float) -> int:
    """Return ``value`` in the unit of the spec."""
    return max(0, round(value / limit.scale))


def _time(moment: float) -> str:
    return timestamp(datetime.fromtimestamp(moment, UTC))


def news(service: AIService, after: Sequence[DimensionStatus], judged: Sequence[Judged]) -> Iterator[Emit]:
    """Yield the events of alarms that the status did not tell of before: what was recorded is not said again."""
    before = {row.dimension: row.alarm for row in service.status.qos}
    known = {each.dimension: each for each in judged}
    for row in after:
        was, each = before.get(row.dimension), known.get(row.dimension)
        if each is not None and row.alarm == _RAISED != was:
            yield events.alarm(reference(service), BREACHES[row.dimension], sentence(each))
        elif each is not None and was == _RAISED != row.alarm:
            yield events.cleared(reference(service), sentence(replace(each, value=each.recent)))
