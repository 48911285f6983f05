"""A client: it keeps its data, and learns from them when asked: `python -m aif_runtime.roles.client FILE`.

With `aggregator` in its file it takes part in federated learning; with `access` it is a terminal of split or two-level
learning, which is invited by the access manager and exchanges activations through the forwarding plane.
"""

from __future__ import annotations

import sys

from aif_runtime.federated.client import Client
from aif_runtime.roles.attaching import attached
from aif_runtime.roles.running import main
from aif_runtime.roles.settings import Address, LearningRole


class ClientRole(LearningRole):
    """What a client is told.

    Attributes:
        aggregator: Address of the aggregator.
    """

    aggregator: Address


async def run(role: ClientRole) -> None:
    """Run the role until the job is done."""
    dataset = role.dataset()
    client = Client(role.learner(dataset.task), dataset.client(role.index), role.plan.built(), role.seed, role.index)
    await attached(role, role.aggregator, client.answer, client.finished, {"role": "client"})


if __name__ == "__main__":
    sys.exit(main(ClientRole, run))
