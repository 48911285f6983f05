"""Who acts: at which steps a training job waits for a person, what it shows, and what it keeps meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reconcile.training.jobs import Life, a_job, a_network


def approve(life: Life, token: str = "") -> None:
    """Approve what is proposed."""
    plan = life.job.status.plan
    assert plan is not None
    meta = life.job.metadata.model_copy(update={"annotations": {"net4ai.io/approve": token or plan.token}})
    life.job = life.job.model_copy(update={"metadata": meta})


def partly(*steps: str, **spec: Any) -> Life:
    """Return a job that waits at ``steps``."""
    return Life(a_job(autonomy={"level": "Partial", "approvalSteps": list(steps)}, **spec))


def nodes_of(life: Life, role: str) -> set[str]:
    """Return where a role is."""
    return {each.node for each in life.job.status.placements if each.role == role}


def asked(life: Life) -> list[str]:
    """Return the steps that wait."""
    return list(life.job.status.plan.waits_for) if life.job.status.plan else []


@pytest.mark.parametrize(
    ("autonomy", "phones", "steps"),
    [
        pytest.param({"level": "Full"}, 4, [], id="full"),
        pytest.param({"level": "Manual"}, 4, ["Place"], id="manual"),
        pytest.param({"level": "Partial", "approvalSteps": ["Place"]}, 4, ["Place"], id="place"),
        pytest.param({"level": "Partial", "approvalSteps": ["Migrate"]}, 4, [], id="nothing moves yet"),
        pytest.param({"level": "Partial", "approvalSteps": ["RiseTier"]}, 4, [], id="clients on devices"),
        pytest.param({"level": "Partial", "approvalSteps": ["RiseTier"]}, 0, ["RiseTier"], id="clients elsewhere"),
        pytest.param({"level": "Partial", "approvalSteps": ["Place", "RiseTier"]}, 0, ["Place", "RiseTier"], id="both"),
        pytest.param({"level": "Partial", "approvalSteps": ["UseExternal"]}, 4, [], id="nobody else's node"),
    ],
)
def test_a_job_waits_at_the_named_steps(autonomy: dict[str, Any], phones: int, steps: list[str]) -> None:
    life = Life(a_job(autonomy=autonomy), a_network(phones))
    life.look(6, 1.0)
    assert asked(life) == steps
    assert bool(life.claims) is not bool(steps)


def test_terminals_on_a_tier_that_the_user_names_rise_nowhere() -> None:
    life = partly("RiseTier", placement={"clients": {"tiers": ["Edge", "Cloud"]}})
    life.look(2, 1.0)
    assert life.claims


def test_the_plan_shows_every_role_and_holds_nothing() -> None:
    life = partly("Place")
    life.look(3, 1.0)
    plan = life.job.status.plan
    assert plan is not None
    assert {each.role for each in plan.placements} == {"aggregator", "evaluator", "client"}
    assert f"net4ai.io/approve={plan.token}" in plan.reason
    assert life.claims == ()
    assert life.bodies("Job") == {}


def test_what_was_approved_is_what_is_done_although_another_place_is_better_by_then() -> None:
    life = partly("Place")
    life.network = a_network(phones=0)
    life.look(2, 1.0)
    assert life.job.status.plan is not None
    proposed = {each.node for each in life.job.status.plan.placements if each.role == "client"}
    life.network = a_network(phones=4)
    approve(life)
    life.look(3, 1.0)
    assert nodes_of(life, "client") == proposed


def test_a_plan_that_fits_no_more_becomes_another_with_another_token() -> None:
    life = partly("Place")
    life.look(2, 1.0)
    plan = life.job.status.plan
    assert plan is not None
    approve(life)
    life.lose(next(each.node for each in plan.placements if each.role == "aggregator"))
    life.look(2, 1.0)
    assert life.claims == ()
    assert life.job.status.plan is not None
    assert life.job.status.plan.token != plan.token


def test_roles_that_lost_nothing_stay_while_a_person_is_asked_where_the_lost_one_goes() -> None:
    life = partly("Migrate", placement={"servers": {"tiers": ["Edge", "Cloud"]}})
    life.look(6, 1.0)
    life.says("Training", round=2, live=3)
    life.look(1, 1.0)
    (lost,) = nodes_of(life, "aggregator")
    stays = nodes_of(life, "client")
    life.lose(lost)
    life.look(3, 1.0)
    assert asked(life) == ["Migrate"]
    assert life.condition("Placed") == ("False", "AwaitingApproval")
    assert nodes_of(life, "client") == stays
    assert {claim.copy for claim in life.claims} >= {"client"}
    assert "digits-client" in life.bodies("Job")
    approve(life)
    life.look(4, 1.0)
    assert nodes_of(life, "aggregator").isdisjoint({lost})
    assert nodes_of(life, "aggregator")
    assert life.condition("Placed") == ("True", "AsExpected")
    assert life.job.status.plan is None


def test_a_person_is_told_once() -> None:
    life = partly("Place")
    life.look(5, 20.0)
    assert life.events == ["AwaitingApproval"]
    assert life.writes == 1


def test_a_wrong_token_approves_nothing() -> None:
    life = partly("Place")
    life.look()
    approve(life, "00000000")
    life.look(2, 1.0)
    assert life.claims == ()
