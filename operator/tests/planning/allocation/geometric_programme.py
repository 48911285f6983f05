"""The joint allocation as a cone programme for Clarabel: what the closed solution is certified against.

In the logarithms of a, b and f every term is an exponential, and an exponential below a variable is a cone.
"""

from __future__ import annotations

import clarabel  # type: ignore[import-untyped]
import numpy as np
from scipy import sparse

from aif.planning.allocation.joint import Site, Tasks
from aif.planning.arrays import FloatArray


class Programme:
    """Rows of A·x + s = b with s in a cone, over n tasks.

    Variables are ln a, ln b and ln f, the two times times w, the loss of accuracy, and the parts b and f, each n of
    them; parts are in units of an equal share.
    """

    BLOCKS = 8

    def __init__(self, tasks: Tasks, site: Site) -> None:
        self.tasks, self.site, self.count = tasks, site, len(tasks)
        self.rows: list[dict[int, float]] = []
        self.right: list[float] = []
        self.cones: list[object] = []

    def at(self, block: int, task: int) -> int:
        """Return the column of a variable."""
        return block * self.count + task

    def linear(self, row: dict[int, float], limit: float) -> None:
        """Ask for Σ row · x <= limit."""
        self.rows.append(row)
        self.right.append(limit)
        self.cones.append(clarabel.NonnegativeConeT(1))

    def exponential(self, row: dict[int, float], constant: float, above: int) -> None:
        """Ask for exp(Σ row · x + constant) <= x[above]."""
        self.rows += [{column: -factor for column, factor in row.items()}, {}, {above: -1.0}]
        self.right += [constant, 1.0, 0.0]
        self.cones.append(clarabel.ExponentialConeT())

    def lowest(self) -> float:
        """Return the lowest Σ w·T + v·q·a^(-r)."""
        columns = self.BLOCKS * self.count
        cost = np.zeros(columns)
        cost[3 * self.count : 6 * self.count] = 1.0
        entries = [(at, column, factor) for at, row in enumerate(self.rows) for column, factor in row.items()]
        at, column, factor = (np.array(part) for part in zip(*entries, strict=True))
        matrix = sparse.csc_matrix((factor, (at, column)), shape=(len(self.rows), columns))
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        nothing = sparse.csc_matrix((columns, columns))
        solver = clarabel.DefaultSolver(nothing, cost, matrix, np.array(self.right), self.cones, settings)
        solution = solver.solve()
        assert str(solution.status) in {"Solved", "AlmostSolved"}
        return float(solution.obj_val)


def highest_utility(tasks: Tasks, site: Site) -> float:
    """Return the utility of the best allocation, as an interior-point solver finds it."""
    made, count = Programme(tasks, site), len(tasks)
    share = np.array([site.hertz, site.flops]) / count
    radio = np.log(tasks.latency_weight * tasks.bits / tasks.efficiency / share[0])
    compute = np.log(tasks.latency_weight * tasks.flops * site.slowdown(count) / share[1])
    loss = np.log(tasks.accuracy_weight * tasks.loss)
    for task in range(count):
        kept, band, rate, sending, computing, lost, hertz, flops = (made.at(block, task) for block in range(8))
        made.exponential({kept: 1.0, band: -1.0}, float(radio[task]), sending)
        made.exponential({kept: 1.0, rate: -1.0}, float(compute[task]), computing)
        made.exponential({kept: -float(tasks.decay[task])}, float(loss[task]), lost)
        made.exponential({band: 1.0}, 0.0, hertz)
        made.exponential({rate: 1.0}, 0.0, flops)
        made.linear({kept: 1.0}, 0.0)
        made.linear({kept: -1.0}, -float(np.log(tasks.lowest_share[task])))
        if np.isfinite(limit := float(tasks.latency_limit[task] * tasks.latency_weight[task])):
            made.linear({sending: 1.0, computing: 1.0}, limit)
    for block in (6, 7):
        made.linear({made.at(block, task): 1.0 for task in range(count)}, float(count))
    return float(np.sum(tasks.accuracy_weight * tasks.ceiling)) - made.lowest()


def some_tasks(count: int, seed: int, limited: float = 0.0) -> tuple[Tasks, Site]:
    """Return tasks drawn at random and a site that has about as much as they need.

    Args:
        count: Tasks.
        seed: Of the draw.
        limited: Share of the tasks with a latency limit, of 0.6 to 2 times what equal parts and half the data take.
    """
    draw = np.random.default_rng(seed)

    def between(low: float, high: float) -> FloatArray:
        return draw.uniform(low, high, count)

    site = Site(2e6 * count, 2e9 * count, 0.02, min(count, 20))
    bits, flops, efficiency = between(0.5e6, 4e6), between(0.2e9, 3e9), between(2.0, 8.0)
    usual = 0.5 * (bits / efficiency / 2e6 + flops * site.slowdown(count) / 2e9)
    ceiling, loss, decay = between(0.85, 0.98), between(0.02, 0.08), between(0.5, 1.5)
    limit = np.where(draw.random(count) < limited, usual * between(0.6, 2.0), np.inf)
    weights = between(0.5, 2.0), between(0.5, 3.0)
    floor = ceiling - loss * between(1.5, 4.0)
    return Tasks(bits, flops, efficiency, ceiling, loss, decay, *weights, limit, floor, np.full(count, 0.01)), site
