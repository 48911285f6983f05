"""Whether a new copy may take over, or keep what it took over: its own metrics beside those of the old one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from aif.api.aiservice import AIService
from aif.api.conditions import Reason
from aif.api.migration_status import MigrationFigure, MigrationStatus, Phase, VerifiedBy
from aif.contract.comparison import Bearing, Comparison, blind, compare, loads
from aif.contract.copies import FAILURES, CopyLook
from aif.contract.limits import limits_of, load_of
from aif.contract.watch import Judged
from aif.reconcile.measured import BREACHES, in_spec, sentence
from aif.reconcile.moving.state import elapsed, moment, remaining
from aif.reconcile.snapshot import Snapshot

ROUNDING_SECONDS = 1.0
"""Times of a status are cut to whole seconds."""

FOR_THE_CONTRACT = frozenset({*BREACHES.values(), Reason.REBALANCE})
"""Triggers for the sake of a measured value: without one there is nothing to be gained by going on."""


ON_THE_WAY = frozenset({"latency", "jitter", "reliability"})
"""Dimensions that depend on where the users are, unless their way is only predicted (``Judged.estimated``)."""


class Answer(Enum):
    """What a look at both copies says."""

    WAIT = "wait"
    GO_ON = "go on"
    GO_BACK = "go back"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What is thought of the new copy.

    Attributes:
        answer: What follows.
        verified_by: What says so, where it may go on.
        figures: What was measured of both copies.
        reason: Why it has to go back.
        message: The same for people.
        again_after: Seconds after which the opinion may change by itself.
    """

    answer: Answer
    verified_by: VerifiedBy | None = None
    figures: tuple[MigrationFigure, ...] = ()
    reason: Reason = Reason.CONTRACT_NOT_VERIFIED
    message: str = ""
    again_after: float | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Both copies at one moment of a move.

    Attributes:
        service: Whose contract counts.
        move: The move, in the phase TargetReady or TrafficSwitched.
        snapshot: What is known of the copies.
        now: The time.
    """

    service: AIService
    move: MigrationStatus
    snapshot: Snapshot
    now: datetime

    @property
    def fresh(self) -> list[CopyLook]:
        """Return what is known of the new copies in this phase, and only in this one."""
        since = moment(self.move.phase_since).timestamp() - ROUNDING_SECONDS
        looks = [self.snapshot.judged_copies.get(each.copy_id) for each in self.move.targets]
        return [look for look in looks if look is not None and look.began >= since]

    @property
    def enough(self) -> bool:
        """Tell whether each new copy had as many requests as a verdict needs."""
        least = self.service.spec.migration.verify_min_requests
        return bool(self.fresh) and all(look.requests is not None and look.requests >= least for look in self.fresh)

    @property
    def idle(self) -> bool:
        """Tell whether it is known that too few requests came, whatever else is unknown."""
        return any(look.requests is not None for look in self.fresh) and not self.enough

    @property
    def measured(self) -> bool:
        """Tell whether there is anything to be learned by waiting."""
        return self.snapshot.judged is not None and self.snapshot.copies_told_apart and bool(limits_of(self.service))

    @property
    def comparison(self) -> Comparison:
        """Return how the new copies stand beside the old ones: those of several copies that are worst."""
        gain = self.service.spec.migration.min_improvement_percent / 100
        found = [compare(self._comparable(look), self.source_loads, gain) for look in self.fresh]
        order = (Bearing.WORSE, Bearing.ALIKE, Bearing.UNKNOWN, Bearing.BETTER, Bearing.KEEPS)
        return min(found, key=lambda each: order.index(each.bearing), default=Comparison(Bearing.UNKNOWN))

    def _comparable(self, look: CopyLook) -> tuple[Judged, ...]:
        """Return what can be judged before the users are where the new copy is for: not their way to it as it is."""
        if self.move.trigger != Reason.HANDOVER_EXPECTED:
            return look.judged
        return tuple(each for each in look.judged if each.dimension not in ON_THE_WAY or each.estimated)

    @property
    def source_loads(self) -> dict[str, float]:
        """Return the loads of the old copies, the heaviest of several: as they are, else as they were."""
        limits = {limit.dimension: limit for limit in limits_of(self.service)}
        known = {
            each.dimension: load_of(limits[each.dimension], each.source * limits[each.dimension].scale)
            for each in self.move.figures
            if each.source is not None and each.dimension in limits
        }
        if self.move.phase is Phase.TRAFFIC_SWITCHED:
            return known
        for source in self.move.sources:
            look = self.snapshot.judged_copies.get(source.copy_id)
            now = loads(look.judged) if look is not None else {}
            known |= now
        return known

    @property
    def figures(self) -> tuple[MigrationFigure, ...]:
        """Return what is known of both copies by now, over what was known before."""
        rows = {each.dimension: each for each in self.move.figures}
        sides = {"target": [each.copy_id for each in self.move.targets]}
        if self.move.phase is not Phase.TRAFFIC_SWITCHED:
            sides["source"] = [each.copy_id for each in self.move.sources]
        for side, copies in sides.items():
            for judged in self._of(copies):
                limit, value = judged.limit, judged.value
                if value is not None and judged.dimension != FAILURES:
                    row = rows.get(judged.dimension) or MigrationFigure(
                        dimension=judged.dimension, promised=in_spec(limit, limit.target)
                    )
                    rows[judged.dimension] = row.model_copy(update={side: in_spec(limit, value)})
        return tuple(rows.values())

    def _of(self, copies: list[str]) -> list[Judged]:
        looks = [self.snapshot.judged_copies.get(copy) for copy in copies]
        return [judged for look in looks if look is not None for judged in look.judged]


def opinion(look: Look) -> Opinion:
    """Return whether the new copy may go on to the next phase.

    Side by side, a kept contract is enough as soon as it is known from enough requests; on probation it has to be kept
    all the while. What is known to be worse goes back once the window is as long as the fast one of the contract; what
    is about as bad does where the move is for the sake of the contract, and else does not stand in the way of an order.
    """
    if not look.measured:
        return Opinion(Answer.GO_ON, VerifiedBy.PROBE)
    seconds = look.service.spec.migration.verify_seconds
    left = max(0.0, seconds - elapsed(look.move.phase_since, look.now))
    last = remaining(look.move.deadline, look.now)
    stand = look.comparison if look.enough else Comparison(Bearing.UNKNOWN)
    on_probation = look.move.phase is Phase.TRAFFIC_SWITCHED
    against = {Bearing.WORSE, Bearing.ALIKE} if look.move.trigger in FOR_THE_CONTRACT else {Bearing.WORSE}
    if stand.errs or (stand.bearing in against and (_settled(look) or not left or not last)):
        return _back(look, stand)
    if stand.bearing is Bearing.KEEPS and not (on_probation and left and last):
        return Opinion(Answer.GO_ON, VerifiedBy.MEASUREMENT, look.figures)
    if left and last:
        return Opinion(Answer.WAIT, again_after=min(left, last))
    if stand.bearing is not Bearing.UNKNOWN:
        return Opinion(Answer.GO_ON, VerifiedBy.MEASUREMENT, look.figures)
    return _unknown(look, last)


def _settled(look: Look) -> bool:
    """Tell whether the new copy was looked at for as long as an alarm would."""
    longest = min(look.service.spec.evaluation.fast_window_seconds, look.service.spec.migration.verify_seconds)
    return all(each.window_seconds >= longest for each in look.fresh)


def _back(look: Look, stand: Comparison) -> Opinion:
    alike = stand.bearing is Bearing.ALIKE and not stand.errs
    reason = Reason.GAIN_TOO_SMALL if alike else Reason.CONTRACT_NOT_VERIFIED
    told = "; ".join(_beside(each, look) for each in stand.broken)
    return Opinion(Answer.GO_BACK, None, look.figures, reason, told)


def _beside(judged: Judged, look: Look) -> str:
    row = next((each for each in look.figures if each.dimension == judged.dimension), None)
    old = f", the old copy {row.source}" if row is not None and row.source is not None else ""
    return f"{sentence(judged)}{old}"


def _unknown(look: Look, last: float) -> Opinion:
    """Return what follows where the time is over and nothing is known: too few requests leave it to the probe.

    A metrics source that is at fault holds up a move for the sake of a measured value, until its deadline.
    """
    needs_it = look.move.trigger in FOR_THE_CONTRACT and look.move.verified_by is not VerifiedBy.MEASUREMENT
    if look.idle or not needs_it or (look.enough and not blind(look.comparison)):
        by = look.move.verified_by or VerifiedBy.PROBE
        return Opinion(Answer.GO_ON, by, look.figures)
    if last:
        return Opinion(Answer.WAIT, again_after=last)
    return Opinion(Answer.GO_BACK, None, look.figures, message="Nothing could be measured of the new copy in time")
