"""When a breach becomes an alarm, and when it is over ([AIF] threshold alarm).

A promise is broken where the fast and the slow window both lie above its raising level: the slow one shows that it
matters, the fast one that it still goes on. An alarm is raised once that has lasted ``for_seconds``, and cleared once
the fast window is down at the clearing level. In between, and where nothing is known, it stays as it is: so a value
that hovers around its target raises one alarm, not many.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np

from aif.contract.limits import Limits
from aif.planning.arrays import BoolArray, FloatArray, IntArray


class Phase(IntEnum):
    """How far a breach has come."""

    QUIET = 0
    PENDING = 1
    RAISED = 2


class Finding(IntEnum):
    """What is said of a promise."""

    UNKNOWN = 0
    MET = 1
    BREACHED = 2


@dataclass(frozen=True, slots=True, eq=False)
class Alarms:
    """The alarms of n promises; all that has to outlive the process.

    Attributes:
        phase: Values of `Phase`.
        since: When each phase began, in seconds since 1970.
    """

    phase: IntArray
    since: FloatArray

    @classmethod
    def quiet(cls, rows: int, now: float) -> Self:
        """Return alarms of which none is raised or pending."""
        return cls(np.full(rows, int(Phase.QUIET), dtype=np.int64), np.full(rows, now))


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What follows from a look at n promises.

    Attributes:
        alarms: The alarms from now on.
        finding: Values of `Finding`.
        raised: Rows whose alarm is raised by this look.
        cleared: Rows whose alarm is cleared by this look.
        due: When the next pending alarm is due if nothing changes, in seconds since 1970; infinite where none is.
    """

    alarms: Alarms
    finding: IntArray
    raised: BoolArray
    cleared: BoolArray
    due: float


def evaluate(
    alarms: Alarms, limits: Limits, fast: FloatArray, slow: FloatArray, for_seconds: FloatArray, now: float
) -> Evaluation:
    """Return what follows from the loads of both windows.

    The same look at the same time changes nothing, so one that was not recorded is simply taken again.

    Args:
        alarms: As they were after the last look.
        limits: The promises.
        fast: Loads over the fast window (`Limits.load`); NaN where unknown.
        slow: Loads over the slow window; NaN where unknown.
        for_seconds: How long each breach must last.
        now: Seconds since 1970. A clock that was set back makes no breach older than it is.
    """
    known = ~(np.isnan(fast) | np.isnan(slow))
    breaching = known & (fast > limits.raise_above) & (slow > limits.raise_above)
    was_raised, was_pending = alarms.phase == Phase.RAISED, alarms.phase == Phase.PENDING
    since = np.minimum(alarms.since, now)
    lasted = np.where(was_pending, now - since, 0.0) >= for_seconds
    cleared = was_raised & known & (fast <= limits.clear)
    raised = ~was_raised & breaching & lasted
    phase = np.where(breaching, np.where(lasted, Phase.RAISED, Phase.PENDING), Phase.QUIET)
    phase = np.where(was_raised, np.where(cleared, Phase.QUIET, Phase.RAISED), phase).astype(np.int64)
    began = np.where(phase == alarms.phase, since, now)
    pending = phase == Phase.PENDING
    return Evaluation(
        alarms=Alarms(phase, began),
        finding=_findings(known, breaching | ((phase == Phase.RAISED) & known)),
        raised=raised,
        cleared=cleared,
        due=float(np.min(began + for_seconds, initial=np.inf, where=pending)),
    )


def _findings(known: BoolArray, broken: BoolArray) -> IntArray:
    found = np.where(broken, Finding.BREACHED, Finding.MET)
    return np.asarray(np.where(known, found, Finding.UNKNOWN), dtype=np.int64)
