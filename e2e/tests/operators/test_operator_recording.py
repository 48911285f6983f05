"""The operator records its decisions, and `aif simulate` makes each of them again: the same node, the same score."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

from campaigns.outcome import is_decided
from network import a_workload, accelerated, within
from operator_process import Operators
from pool import Pool
from replaying import replayed
from rest import Rest, eventually
from services import Services
from training_jobs import TrainingJobs, a_training_job

from cluster.api import Cluster

_NAMES: Final = tuple(f"recorded-{number}" for number in range(4))
_PATIENCE_S: Final = 180.0
_TOKEN: Final = "nobody-needs-it-to-decide"


def test_every_recorded_decision_is_made_again(
    cluster: Cluster, rest: Rest, operators: Operators, services: Services, tmp_path: Path
) -> None:
    """Four services find accelerators, one can have none, one has to leave its node, and a job is placed."""
    pool, folder = Pool(cluster, rest, "recorded", size=3, gpus=2), tmp_path / "recording"
    pool.build()
    replica = operators.start_leading("--record", str(folder))
    try:
        _place_and_move(pool, services)
        jobs = TrainingJobs(rest, services.namespace)
        jobs.apply(a_training_job("learned"))
        jobs.await_condition("learned", "Placed", "True", within_s=_PATIENCE_S)
        jobs.remove("learned")
    finally:
        code, _ = replica.end()
        pool.raze()
    assert code == 0
    again = replayed(folder)
    assert (again.same, again.first_difference) == (again.total, "")
    assert (again.status, again.services) == (0, len(_NAMES) + 2)
    assert again.single >= 1
    (file,) = folder.iterdir()
    assert _TOKEN.encode() not in gzip.decompress(file.read_bytes())


def _place_and_move(pool: Pool, services: Services) -> None:
    workload = a_workload(env=[{"name": "TOKEN", "value": _TOKEN}], args=[f"--token={_TOKEN}"])
    for name in _NAMES:
        services.apply(pool.plain(name, variants=accelerated(), workload=workload))
    services.apply(pool.service("too-fast", **within(1)))
    names = (*_NAMES, "too-fast")
    eventually(lambda: all(is_decided(services.get(name)) for name in names), "all are decided", _PATIENCE_S)
    home = services.node_of(_NAMES[0])
    pool.cordon(home)
    eventually(lambda: services.node_of(_NAMES[0]) not in ("", home), "the service leaves", _PATIENCE_S)
