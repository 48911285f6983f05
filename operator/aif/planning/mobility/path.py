"""Where a user group is and goes next: messages along the chain of its path, exact by sum and product ([EDGE]).

The factor graph is a chain, so one message forwards per step gives the exact marginal; what lies ahead is the same
message without readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.mobility.factors import UNREAD, Mobility, judged_readings

WRONG: Final = 0.02
"""Share of readings that name another site, by default."""

_LOST: Final = 1e-4
"""Probability per step that the path goes on anywhere: it lets a belief recover from a way that was never seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What lies ahead of a group.

    Attributes:
        site: Probability of being at each site now, [n].
        next_site: Probability of each site being the one after this, [n].
        stays: Probability of never leaving; with `next_site` it adds up to 1.
        survival: Probability of not having left after 0, 1, ... steps, [steps + 1].
        mean_steps: Expected steps until the group leaves, the running one included; infinite where it may never.
        next_steps: Expected steps of the stay at each next site, [n]; 0 where the group never goes there next.
        occupancy: Probability of being at each site after 0, 1, ... steps, [steps + 1, n].
    """

    site: FloatArray
    next_site: FloatArray
    stays: float
    survival: FloatArray
    mean_steps: float
    next_steps: FloatArray
    occupancy: FloatArray


def unread(model: Mobility) -> FloatArray:
    """Return the belief before any reading, [E, A]: each site is as likely, and no origin is known."""
    belief = np.zeros_like(model.leaving)
    belief[: model.sites, 0] = 1.0 / model.sites
    return belief


def advanced(model: Mobility, belief: FloatArray) -> FloatArray:
    """Return the belief one step later, [E, A]."""
    after = _stayed(model, belief)
    after[:, 0] += (belief * model.leaving).sum(axis=1) @ model.following
    return after


def read(model: Mobility, belief: FloatArray, reading: int, wrong: float = WRONG) -> FloatArray:
    """Return the belief after a reading, [E, A]; one that is missing changes nothing.

    Args:
        model: Factors of the path.
        belief: Before the reading.
        reading: Site that was read, or -1.
        wrong: Share of readings that name another site, any of them alike.
    """
    if reading == UNREAD:
        return belief
    others = wrong / max(model.sites - 1, 1)
    weighted = belief * np.where(model.site == reading, 1.0 - wrong, others)[:, None]
    total = weighted.sum()
    return np.asarray(weighted / total) if total > 0.0 else read(model, unread(model), reading, 0.0)


def followed(model: Mobility, belief: FloatArray, reading: int, wrong: float = WRONG) -> FloatArray:
    """Return the belief one step and one reading later, [E, A]; arguments as for `read`."""
    ahead = (1.0 - _LOST) * advanced(model, belief) + _LOST * unread(model)
    return read(model, ahead, reading, wrong)


def believed(model: Mobility, readings: ArrayLike, wrong: float = WRONG) -> FloatArray:
    """Return the belief after the last of ``readings``: the marginal of the path's last state, [E, A].

    Args:
        model: Factors of the path.
        readings: Sites that were read, a step apart, the newest last, [t]; -1 where there was no reading.
        wrong: Share of readings that name another site, 0 to 1.

    Raises:
        InvalidSpec: A site does not exist, or the share is out of bounds.
    """
    if not 0.0 <= wrong < 1.0:
        raise InvalidSpec("wrongReadings", f"must lie between 0 and 1, and not be 1, not {wrong:g}")
    belief, first = unread(model), True
    for reading in judged_readings(readings, model.sites).tolist():
        belief = read(model, belief, reading, wrong) if first else followed(model, belief, reading, wrong)
        first = False
    return belief


def outlook(model: Mobility, belief: FloatArray, steps: int) -> Outlook:
    """Return what lies ahead of a group within so many steps.

    Args:
        model: Factors of the path.
        belief: Where the group is, [E, A].
        steps: How far the survival and the occupancy reach.
    """
    by_way = belief.sum(axis=1)
    leaves = model.following.any(axis=1)
    ahead = by_way @ model.following
    remaining = remaining_steps(model)
    into = np.multiply(ahead, remaining[:, 0], out=np.zeros_like(ahead), where=ahead > 0.0)
    next_site = model.by_site(ahead)
    lengths = np.divide(model.by_site(into), next_site, out=np.zeros(model.sites), where=next_site > 0.0)
    held = belief > 0.0
    occupancy, survival, here = [model.by_site(by_way)], [1.0], belief
    staying = belief
    for _ in range(steps):
        here = advanced(model, here)
        occupancy.append(model.by_site(here.sum(axis=1)))
        staying = _stayed(model, staying)
        survival.append(float(staying.sum()))
    return Outlook(
        site=occupancy[0],
        next_site=next_site,
        stays=float(by_way[~leaves].sum()),
        survival=np.array(survival),
        mean_steps=float((belief[held] * remaining[held]).sum()),
        next_steps=lengths,
        occupancy=np.array(occupancy),
    )


def _stayed(model: Mobility, belief: FloatArray) -> FloatArray:
    lasting = belief * (1.0 - model.leaving)
    after = np.zeros_like(belief)
    after[:, 1:] = lasting[:, :-1]
    after[:, -1] += lasting[:, -1]
    return after


def remaining_steps(model: Mobility) -> FloatArray:
    """Return the expected steps until a stay ends, by way and age, [E, A]; infinite where it never does."""
    last = model.leaving[:, -1]
    remaining = np.empty_like(model.leaving)
    remaining[:, -1] = np.divide(1.0, last, out=np.full(len(last), np.inf), where=last > 0.0)
    for age in range(model.ages - 2, -1, -1):
        lasting = 1.0 - model.leaving[:, age]
        later = np.multiply(lasting, remaining[:, age + 1], out=np.zeros(len(last)), where=lasting > 0.0)
        remaining[:, age] = 1.0 + later
    return remaining
