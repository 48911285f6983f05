"""With whom a training job goes on while a lost role finds no other place."""

from __future__ import annotations

from typing import Any

from tests.reconcile.training.jobs import Life, a_job, a_network


def a_tight_job(phones: int, **spec: Any) -> Life:
    """Return a job of three clients that trains, on phones of which each has room for one."""
    demands = {"image": "learner:1.0", "resources": {"cpu": "900m", "memory": "512Mi"}}
    life = Life(a_job(workload=demands, placement={"clients": {"tiers": ["Device"]}}, **spec), a_network(phones))
    life.look(6, 1.0)
    life.says("Training", round=2, live=3, answered=3)
    life.look(1, 1.0)
    return life


def test_clients_that_are_a_quorum_go_on_while_the_lost_one_has_no_place() -> None:
    life = a_tight_job(3, quorum={"minClients": 2})
    before = life.job.status.placements
    life.lose("phone-1")
    life.says("Training", round=3, live=2)
    life.look(4, 1.0)
    assert life.condition("Placed")[0] == life.condition("Ready")[0] == "True"
    assert life.condition("Degraded") == ("True", "ClientLost")
    assert (life.job.status.placements, life.deleted) == (before, [])
    life.network = a_network(4)
    life.lose("phone-1")
    life.look(4, 1.0)
    assert "phone-3" in {each.node for each in life.job.status.placements}
    assert "digits-client" in life.deleted


def test_clients_that_are_no_quorum_hold_nothing_while_the_lost_one_has_no_place() -> None:
    life = a_tight_job(3, quorum={"minClients": 3})
    life.lose("phone-1")
    life.look(1, 1.0)
    assert life.condition("Placed")[0] == "False"
    assert life.claims == ()


def test_a_server_moves_while_the_lost_client_has_no_place() -> None:
    life = a_tight_job(3, quorum={"minClients": 2})
    site = next(each.node for each in life.job.status.placements if each.role == "aggregator")
    life.lose("phone-1", site)
    life.look(3, 1.0)
    assert site not in {each.node for each in life.job.status.placements}
    assert life.deleted == ["digits-aggregator"]
