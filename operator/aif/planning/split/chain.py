"""Where to cut a chain between the user's side and the network's: every legal cut is judged ([6GANA], [MCFN])."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aif.errors import InvalidInput
from aif.planning.arrays import BoolArray, FloatArray
from aif.planning.models.chain import Chain, Hop, Limits, Side


class Objective(StrEnum):
    """What a split is best at."""

    LATENCY = "Latency"
    """Least seconds from request to result."""

    ENERGY = "Energy"
    """Least joules of a request, both sides and the link together."""

    THROUGHPUT = "Throughput"
    """Most requests a second where user, link and network work at the same time on successive requests."""


class NoSplit(InvalidInput):
    """No way to run the model keeps every limit."""


@dataclass(frozen=True, slots=True, eq=False)
class CutCosts:
    """What a request meets with at each of n cuts, arrays of shape [n].

    Attributes:
        user_seconds: O_UE/F_UE.
        transfer_seconds: D/R, and the delay of the link where something is sent.
        network_seconds: O_NET/F_NET.
        latency_seconds: Their sum.
        joules: Energy of both sides and of the link.
        interval_seconds: The longest of the three: the time from one result to the next under full load.
    """

    user_seconds: FloatArray
    transfer_seconds: FloatArray
    network_seconds: FloatArray
    latency_seconds: FloatArray
    joules: FloatArray
    interval_seconds: FloatArray

    def of(self, objective: Objective) -> FloatArray:
        """Return what ``objective`` makes as small as possible."""
        match objective:
            case Objective.LATENCY:
                return self.latency_seconds
            case Objective.ENERGY:
                return self.joules
            case Objective.THROUGHPUT:
                return self.interval_seconds


@dataclass(frozen=True, slots=True, eq=False)
class ChainSplit:
    """The best cut of a chain.

    Attributes:
        cut: Its position.
        costs: What a request meets with at each cut.
        allowed: Which cuts keep every limit.
        gain: How many times better it is than the better of both ends, of those that keep the limits; None where
            neither does.
    """

    cut: int
    costs: CutCosts
    allowed: BoolArray
    gain: float | None

    @property
    def interior(self) -> bool:
        """Tell whether both sides compute."""
        return 0 < self.cut < len(self.allowed) - 1


def cut_costs(chain: Chain, user: Side, network: Side, hop: Hop) -> CutCosts:
    """Return what a request meets with at each cut; T and E as in [6GANA] section 5."""
    local = chain.flops / user.rate
    sending = hop.seconds(chain.bits)
    remote = (chain.total - chain.flops) / network.rate
    joules = local * user.watts + chain.bits / hop.rate * hop.watts + remote * network.watts
    return CutCosts(
        local, sending, remote, local + sending + remote, joules, np.maximum(np.maximum(local, sending), remote)
    )


def best_cut(
    chain: Chain,
    user: Side,
    network: Side,
    hop: Hop,
    objective: Objective = Objective.LATENCY,
    limits: Limits | None = None,
) -> ChainSplit:
    """Return the best cut that keeps ``limits``; of equals the first.

    Raises:
        NoSplit: Every cut breaks a limit; the message says how many break which.
    """
    costs = cut_costs(chain, user, network, hop)
    allowed = _allowed(chain, user, network, costs, limits or Limits())
    values = np.where(allowed, costs.of(objective), np.inf)
    cut = int(values.argmin())
    return ChainSplit(cut, costs, allowed, gain_over(float(values[cut]), (float(values[0]), float(values[-1]))))


def gain_over(value: float, ends: tuple[float, ...]) -> float | None:
    """Return how many times less ``value`` is than the least of ``ends``; None where none is finite or nothing is left.

    Nothing is left where a model without work needs no time at all, though an end would send data for it.
    """
    best = min(ends)
    if not np.isfinite(best):
        return None
    if value > 0.0:
        return best / value
    return 1.0 if best == 0.0 else None


def _allowed(chain: Chain, user: Side, network: Side, costs: CutCosts, limits: Limits) -> BoolArray:
    memory = chain.memory_between()
    rules = (
        ("let too little processed data leave the user's side", limits.may_leave(chain.depths)),
        (f"need more memory than {user.name} has", memory[0] <= user.memory_bytes),
        (f"need more memory than {network.name} has", memory[:, -1] <= network.memory_bytes),
        ("take longer than allowed", costs.latency_seconds <= limits.latency_seconds),
        ("take more energy than allowed", costs.joules <= limits.joules),
    )
    allowed = np.logical_and.reduce([kept for _, kept in rules])
    if not allowed.any():
        broken = [f"{int((~kept).sum())} {rule}" for rule, kept in rules if not kept.all()]
        raise NoSplit(f"no cut keeps every limit: of {len(allowed)}, {', '.join(broken)}")
    return np.asarray(allowed)


class CutTable:
    """A chain prepared for many decisions: a case is three prices, a decision one product and one minimum.

    Prices are seconds per FLOP on the user's side, seconds per FLOP in the network and seconds per bit on the link;
    with joules in place of seconds the cut of least energy results.
    """

    def __init__(self, chain: Chain, limits: Limits | None = None) -> None:
        self._cuts: NDArray[np.intp] = np.flatnonzero((limits or Limits()).may_leave(chain.depths))
        amounts = np.stack((chain.flops, chain.total - chain.flops, chain.bits))
        self._amounts = np.ascontiguousarray(amounts[:, self._cuts])

    def cuts(self, prices: ArrayLike) -> NDArray[np.intp]:
        """Return the best cut for each case.

        Args:
            prices: Shape [..., 3].

        Returns:
            Positions in the chain, shape [...].
        """
        return np.asarray(self._cuts[(np.asarray(prices, dtype=np.float64) @ self._amounts).argmin(axis=-1)])

    def values(self, prices: ArrayLike) -> FloatArray:
        """Return the cost of every permitted cut, shape [..., cuts]."""
        return np.asarray(np.asarray(prices, dtype=np.float64) @ self._amounts)
