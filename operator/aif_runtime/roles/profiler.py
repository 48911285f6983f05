"""The profiler: it writes what each layer of a model costs: `python -m aif_runtime.roles.profiler FILE`."""

from __future__ import annotations

import json
import sys

from aif_runtime.learning.checkpoint import write
from aif_runtime.learning.profiling import cuts, table
from aif_runtime.roles.running import main
from aif_runtime.roles.settings import LearningRole, OutputPart


class ProfilerRole(LearningRole):
    """What the profiler is told.

    Attributes:
        output: Where the table goes: NAME.json for the planner, NAME-cuts.json per cut.
    """

    output: OutputPart


async def run(role: ProfilerRole) -> None:
    """Write the tables."""
    learner = role.learner(role.learned())
    layers = learner.layers
    write(role.output.folder / f"{role.output.name}.json", table(role.model.name, layers).encode())
    write(
        role.output.folder / f"{role.output.name}-cuts.json", json.dumps(cuts(layers, learner.cuts), indent=2).encode()
    )


if __name__ == "__main__":
    sys.exit(main(ProfilerRole, run))
