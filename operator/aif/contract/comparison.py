"""A new copy beside the old one: it keeps the contract, or is better than one that does not, or goes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from aif.contract.alarms import Finding
from aif.contract.copies import FAILURES
from aif.contract.limits import load_of
from aif.contract.readings import Gap
from aif.contract.watch import Judged


class Bearing(Enum):
    """How a new copy stands."""

    KEEPS = "keeps every promise"
    BETTER = "breaks a promise, and is better than the old copy, which breaks it too"
    ALIKE = "breaks a promise about as much as the old copy does"
    WORSE = "breaks a promise that the old copy keeps, or breaks it more"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a new copy stands beside the old one.

    Attributes:
        bearing: What follows.
        broken: The promises that it breaks.
        unknown: The promises of which nothing is known.
        errs: Whether requests fail that the old copy would answer.
    """

    bearing: Bearing
    broken: tuple[Judged, ...] = ()
    unknown: tuple[Judged, ...] = ()
    errs: bool = False


def compare(target: Iterable[Judged], source: Mapping[str, float], gain: float) -> Comparison:
    """Return how a new copy stands.

    Args:
        target: What is known of it.
        source: Load of the old copy per promise (`Limits.load`), as far as it is known.
        gain: Share by which a load has to differ to count as better, or worse, 0..1.
    """
    binding = [each for each in target if each.limit.hard]
    broken = tuple(each for each in binding if each.finding is Finding.BREACHED)
    # That it answers is looked at beside what is promised: a runtime that does not tell it holds nothing up
    unknown = tuple(each for each in binding if each.finding is Finding.UNKNOWN and each.dimension != FAILURES)
    if not broken:
        return Comparison(Bearing.UNKNOWN if unknown else Bearing.KEEPS, unknown=unknown)
    stands = [_beside(each, source.get(each.dimension), gain) for each in broken]
    worst = next(each for each in (Bearing.WORSE, Bearing.ALIKE, Bearing.BETTER) if each in stands)
    failing = {FAILURES, "availability"}
    errs = any(each.dimension in failing and s is not Bearing.BETTER for each, s in zip(broken, stands, strict=True))
    return Comparison(worst, broken, unknown, errs)


def _beside(target: Judged, source: float | None, gain: float) -> Bearing:
    if source is None or target.value is None or source <= target.limit.raise_above:
        return Bearing.WORSE
    load = load_of(target.limit, target.value)
    if load > source * (1.0 + gain):
        return Bearing.WORSE
    return Bearing.BETTER if load <= source * (1.0 - gain) else Bearing.ALIKE


def loads(judged: Iterable[Judged]) -> dict[str, float]:
    """Return the load per promise, as far as it is known."""
    return {each.dimension: load_of(each.limit, each.value) for each in judged if each.value is not None}


def blind(comparison: Comparison) -> bool:
    """Tell whether the metrics source is at fault for what is not known, and not the lack of requests."""
    return any(each.gap is not Gap.FEW for each in comparison.unknown)
