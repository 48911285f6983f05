"""The evaluator: it alone has the test set: `python -m aif_runtime.roles.evaluator FILE`."""

from __future__ import annotations

import sys

from aif_runtime.federated.client import Evaluator
from aif_runtime.roles.attaching import attached
from aif_runtime.roles.running import main
from aif_runtime.roles.settings import Address, LearningRole


class EvaluatorRole(LearningRole):
    """What an evaluator is told.

    Attributes:
        aggregator: Address of the aggregator.
    """

    aggregator: Address


async def run(role: EvaluatorRole) -> None:
    """Run the role until the job is done."""
    dataset = role.dataset()
    evaluator = Evaluator(role.learner(dataset.task), dataset.test(), dataset.task)
    await attached(role, role.aggregator, evaluator.answer, evaluator.finished, {"role": "evaluator"})


if __name__ == "__main__":
    sys.exit(main(EvaluatorRole, run))
