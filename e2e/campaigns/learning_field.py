"""Where training jobs learn in campaigns: six real nodes of three tiers, and the two jobs that run on them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from learning_place import Place, a_place, a_spec
from rest import Json

from aif.api.quantity import Quantity
from cluster import api
from cluster.choose import Asked
from cluster.parts import Options
from cluster.paths import Folders
from cluster.progress import Steps
from cluster.real import requirements
from cluster.real.machine import TIER_LABEL, RealNode
from cluster.record import Provider

CLIENTS: Final = 10
LOST: Final = 3
QUORUM: Final = 6

_NAME: Final = "campaign-learning"
_TIERS: Final = ("Device", "Device", "Device", "RAN", "RAN", "Edge")
_NODES: Final = tuple(
    RealNode(f"{tier.lower()}-{_TIERS[: at + 1].count(tier)}", {TIER_LABEL: tier}) for at, tier in enumerate(_TIERS)
)
_MOST_PER_DEVICE: Final = 4
"""Ten clients fill three devices with 4, 3 and 3; those of a lost device find no place on the others."""

_LEASE: Final = {
    "AIF_LEASE_DURATION_SECONDS": "4",
    "AIF_LEASE_RENEW_SECONDS": "3",
    "AIF_LEASE_RETRY_SECONDS": "0.5",
}
"""Short, so that who is started next takes over soon."""


@contextmanager
def field(steps: Steps) -> Iterator[Place]:
    """Yield a cluster of its own with the learner's image and an operator, which ends with the campaign."""
    folders = Folders.of(os.environ)
    with steps.run("Start the cluster"):
        requirements.provide(os.environ, steps.say)
        options = Options(node_grace_s=16, eviction_s=2, real=_NODES)
        cluster = api.up(_NAME, wish=Asked(provider=Provider.EMBEDDED), options=options, folders=folders)
    try:
        with tempfile.TemporaryDirectory(prefix=f"{_NAME}-") as folder:
            tiers = tuple(zip(_NODES, _TIERS, strict=True))
            with ExitStack() as stack:
                with steps.run("Load the image of the learner, start the operator"):
                    place = stack.enter_context(a_place(cluster, tiers, folders, Path(folder), **_LEASE))
                yield place
    finally:
        api.down(_NAME, folders=folders)


def federated(place: Place, rounds: int, epochs: int, seed: int) -> Json:
    """Return the spec of ten clients on three devices, of whom a round needs six."""
    spec = _common(rounds, epochs, seed)
    node = place.rest.get("nodes", "device-1")
    cores = Quantity.parse(node["status"]["allocatable"]["cpu"]) if node else Quantity.parse("0")
    share = f"{int(1000 * float(cores) / (_MOST_PER_DEVICE + 0.5))}m"
    workload = {**spec["workload"], "resources": {**spec["workload"]["resources"], "cpu": share}}
    quorum = {"minClients": QUORUM, "onLoss": "Degrade"}
    return {**spec, "mode": "Federated", "clients": CLIENTS, "quorum": quorum, "workload": workload}


def groups(rounds: int, epochs: int, seed: int) -> Json:
    """Return the spec of two groups with different cuts, each with a local function at a site of its own."""
    two = [{"name": "a", "clients": 3, "cut": "fc2"}, {"name": "b", "clients": 3, "cut": "fc1"}]
    privacy = {"kAnonymity": 2, "forbidRawInput": True}
    spec = _common(rounds, max(1, epochs // 20), seed)
    return {**spec, "mode": "TwoLevel", "groups": two, "privacy": privacy}


def _common(rounds: int, epochs: int, seed: int) -> Json:
    placement = {
        "clients": {"tiers": ["Device"]},
        "localFunctions": {"tiers": ["RAN"]},
        "servers": {"tiers": ["Edge"]},
    }
    learning = {"max": rounds, "localEpochs": epochs, "timeoutSeconds": 120}
    return a_spec(rounds=learning, seed=seed, placement=placement)
