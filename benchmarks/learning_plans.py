"""What the planner brings to learning: joint allocation and cuts, held against the goals of learning."""

from __future__ import annotations

from typing import Final

import bench_allocation
import bench_planner
from learning_peers import Row

from aif.planning.models.chain import Encoding, Limits

__all__ = ["PLANS"]

_TASKS: Final = 1000


def allocation() -> list[Row]:
    """Allocate beside the geometric programme, and many tasks at once."""
    worst = max(row["difference"] for row in bench_allocation.difference())
    took = bench_allocation.speed(_TASKS, rounds=15)["milliseconds"]
    return [
        Row("allocation", "within 1e-6 of the geometric programme", f"{worst:.1e}", worst <= 1e-6),  # noqa: PLR2004 - the goal
        Row("allocationTime", "1,000 tasks: <= 1 ms", f"{took:.2f} ms", took <= 1.0),
    ]


def cuts() -> list[Row]:
    """Cut where raw data may not leave, and in graphs beside SciPy's maximum flow."""
    found = {model: bench_planner.inside(model, Encoding(), bench_planner.FORBID) for model in ("vgg16", "resnet50")}
    free = {model: bench_planner.inside(model, Encoding(), Limits()) for model in found}
    more = all(found[model] > free[model] for model in found)
    said = ", ".join(f"{model} {free[model]} -> {found[model]} of 24" for model in found)
    apart = bench_planner.agreement()
    return [
        Row("interiorCut", "raw input forbidden: more cuts inside", said, more),
        Row("leastCut", "as SciPy's, which rounds: within 1e-5", f"{apart:.1e}", apart <= 1e-5),  # noqa: PLR2004 - the goal
    ]


PLANS: Final = (allocation, cuts)
