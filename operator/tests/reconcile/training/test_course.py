"""The life of a training job: placed as a whole, run, paused, moved, ended; and no finished round lost on the way."""

from __future__ import annotations

import pytest

from aif.domain.actions import Apply, Delete, Emit, MakeCertificates, WriteStatus
from aif.domain.learning import roles_of
from tests.reconcile.training.jobs import MODES, Life, a_job, a_running

each_mode = pytest.mark.parametrize("mode", MODES)


def test_the_place_is_written_down_before_anything_is_made_of_it() -> None:
    decision = Life(a_job()).look()
    kinds = [type(action) for action in decision.actions]
    assert kinds[0] is WriteStatus
    assert Apply not in kinds


def test_certificates_are_made_once_and_before_all_else() -> None:
    life = Life(a_job())
    life.look()
    first = life.look().actions
    assert isinstance(first[0], MakeCertificates)
    assert not any(isinstance(action, MakeCertificates) for action in life.look(3).actions)


def test_a_job_without_protection_has_no_certificates() -> None:
    life = Life(a_job(tls="None"))
    life.look()
    assert not any(isinstance(action, MakeCertificates) for action in life.look().actions)


@each_mode
def test_every_role_comes_up_and_holds_what_it_was_given(mode: str) -> None:
    life = Life(a_job(mode))
    life.look(6, 1.0)
    roles = {role.name for role in roles_of(life.job)}
    assert set(life.bodies("Job")) == {f"digits-{name}" for name in roles}
    assert {claim.copy for claim in life.claims} == roles
    assert life.condition("Placed") == ("True", "AsExpected")


def test_a_job_that_trains_is_ready_and_says_how_far_it_is() -> None:
    life = a_running()
    assert life.condition("Ready") == life.condition("QuorumReady") == ("True", "AsExpected")
    assert life.condition("Training") == ("True", "AsExpected")
    summary = life.job.status.summary
    assert summary is not None
    assert (summary.state, summary.round, summary.clients, summary.metric) == ("Training", "2/10", "3/3", "80%")


def test_figures_are_written_at_most_once_in_ten_seconds() -> None:
    life = a_running()
    before = life.writes
    for at in range(3, 10):
        life.says("Training", round=at, live=3)
        life.look(1, 1.0)
    assert life.writes == before
    life.says("Training", round=10, live=3)
    life.look(1, 4.0)
    assert life.writes == before + 1
    assert life.job.status.progress is not None
    assert life.job.status.progress.round == 10


def test_a_job_that_is_done_holds_nothing_and_tells_its_result() -> None:
    life = a_running()
    life.says("Complete", round=10, digest="sha256:ab", accuracy_basis_points=9500, best_round=9)
    life.look(2, 1.0)
    assert life.condition("Complete") == ("True", "RoundsReached")
    assert life.condition("Ready")[0] == "True"
    assert life.claims == ()
    result = life.job.status.result
    assert result is not None
    assert (result.path, result.digest, result.round) == ("digits/model.safetensors", "sha256:ab", 9)
    assert result.files == ["digits/model.safetensors"]
    assert "digits-client" in life.deleted
    assert life.look().actions == ()


def test_a_job_fails_at_its_deadline() -> None:
    life = a_running(stop={"deadlineSeconds": 60})
    life.look(1, 40.0)
    assert life.condition("Failed")[0] == "False"
    life.look(1, 30.0)
    assert life.condition("Failed") == ("True", "DeadlineExceeded")


def test_time_in_suspension_does_not_count_towards_the_deadline() -> None:
    life = a_running(stop={"deadlineSeconds": 60})
    life.set(suspend=True)
    life.look(1, 1.0)
    life.look(1, 1000.0)
    life.set(suspend=False)
    life.look(3, 1.0)
    assert life.condition("Failed")[0] == "False"


def test_a_suspended_job_gives_its_place_back_and_goes_on_as_another_run() -> None:
    life = a_running()
    life.set(suspend=True)
    life.look(1, 1.0)
    assert life.claims == ()
    assert life.bodies("Job") == {}
    assert life.condition("Suspended") == ("True", "Suspended")
    assert life.condition("Placed") == ("False", "Suspended")
    assert life.job.status.progress is not None
    assert life.job.status.progress.round == 2
    kept = life.bodies("ConfigMap")
    life.set(suspend=False)
    life.look(5, 1.0)
    assert life.job.status.run == 2
    assert life.bodies("ConfigMap") == kept
    assert len(life.bodies("Job")) == 3


def test_that_a_job_stops_is_told_before_its_pods_go() -> None:
    life = a_running()
    life.set(suspend=True)
    write, told, *removals = life.look(1, 1.0).actions
    assert isinstance(write, WriteStatus)
    assert isinstance(told, Emit)
    assert told.reason == "Suspended"
    assert len(removals) == 3


@pytest.mark.parametrize(
    ("phase", "reason"),
    [("Paused", "KAnonymityNotReached"), ("Paused", "QuorumNotReached"), ("Waiting", "WaitingForConsent")],
)
def test_a_job_that_waits_for_people_is_not_ready_and_says_for_what(phase: str, reason: str) -> None:
    life = a_running("Split", privacy={"kAnonymity": 3})
    life.says(phase, reason=reason, message="two of three", live=2)
    life.look(1, 11.0)
    assert life.condition("QuorumReady") == life.condition("Training") == ("False", reason)
    assert life.condition("Failed")[0] == "False"


def test_a_client_that_is_excluded_is_named_while_the_others_go_on() -> None:
    life = a_running()
    life.says("Training", round=3, live=2, named=(("client-1", "Excluded", "its numbers are not finite"),))
    life.look(1, 11.0)
    assert life.condition("Degraded") == ("True", "ClientLost")
    assert life.condition("Ready")[0] == "True"
    assert life.job.status.progress is not None
    assert [one.name for one in life.job.status.progress.clients] == ["client-1"]


def test_the_role_of_a_lost_node_moves_and_the_others_stay() -> None:
    life = a_running("TwoLevel")
    before = {each.role: each.node for each in life.job.status.placements if each.role != "client"}
    site = before["local-a"]
    life.lose(site)
    life.look(4, 1.0)
    after = {each.role: each.node for each in life.job.status.placements if each.role != "client"}
    assert after["local-a"] != site
    assert "digits-local-a" in life.deleted
    assert {role: node for role, node in after.items() if before[role] != site} == {
        role: node for role, node in before.items() if node != site
    }
    assert life.job.status.run == 1


def test_a_lost_device_takes_its_client_to_another() -> None:
    life = a_running()
    lost = next(each.node for each in life.job.status.placements if each.role == "client")
    life.lose(lost)
    life.look(4, 1.0)
    assert lost not in {each.node for each in life.job.status.placements}
    assert sum(each.pods for each in life.job.status.placements if each.role == "client") == 3


def test_a_job_that_falls_silent_is_not_told_to_learn() -> None:
    life = a_running()
    life.look(1, 20.0)
    assert life.condition("Training") == ("Unknown", "Progressing")
    assert life.job.status.progress is not None
    assert life.job.status.progress.round == 2, "what was done is not forgotten"
    life.says("Training", round=3, live=3)
    life.look(1, 1.0)
    assert life.condition("Training") == ("True", "AsExpected")


def test_a_job_without_room_for_all_holds_nothing() -> None:
    life = Life(a_job(clients=500))
    decision = life.look()
    assert decision.waiting
    assert life.claims == ()
    assert life.condition("Placed") == ("False", "CapacityReserved")


def test_a_role_that_no_node_fits_says_which_limit_is_missed() -> None:
    life = Life(a_job(placement={"servers": {"tiers": ["Core"]}}))
    life.look()
    assert life.condition("Placed") == ("False", "NotSelected")
    assert [one.reason for one in life.job.status.rejected] == ["NotSelected"]


def test_a_job_that_waits_is_written_once() -> None:
    life = Life(a_job(clients=500))
    life.look(5, 20.0)
    assert life.writes == 1


def test_a_job_makes_way_for_a_service_and_comes_back() -> None:
    life = a_running()
    life.wanted_by = "AIService lab/plates"
    life.look(1, 1.0)
    life.wanted_by = ""
    assert life.claims == ()
    assert life.condition("Suspended") == ("True", "Preempted")
    life.look(1, 30.0)
    assert life.claims == ()
    life.look(5, 10.0)
    assert life.job.status.run == 2
    assert life.claims


def test_a_job_of_another_controller_is_left_alone() -> None:
    life = Life(a_job(managedBy="kueue.x-k8s.io/multikueue"))
    assert life.look().actions == ()


def test_a_finished_job_is_deleted_when_its_time_is_over() -> None:
    life = a_running(ttlSecondsAfterFinished=60)
    life.says("Complete", round=10)
    life.look(2, 1.0)
    life.look(1, 30.0)
    assert "digits" not in life.deleted
    decision = life.look(1, 40.0)
    assert [action.target.kind for action in decision.actions if isinstance(action, Delete)] == ["TrainingJob"]


def test_who_must_be_asked_is_asked_before_anything_is_held() -> None:
    life = Life(a_job(autonomy={"level": "Manual"}))
    life.look(3, 1.0)
    plan = life.job.status.plan
    assert plan is not None
    assert life.claims == ()
    assert life.condition("ApprovalRequired") == ("True", "AwaitingApproval")
    meta = life.job.metadata.model_copy(update={"annotations": {"net4ai.io/approve": plan.token}})
    life.job = life.job.model_copy(update={"metadata": meta})
    life.look(2, 1.0)
    assert life.claims


def test_a_broken_bound_is_an_alarm() -> None:
    life = a_running(qos={"time": {"maxSeconds": 5}})
    life.says("Training", round=3, live=3)
    life.look(1, 20.0)
    assert life.condition("ThresholdAlarm") == ("True", "TimeBreached")
    assert life.condition("Ready")[0] == "True"


def test_news_are_told_once() -> None:
    life = a_running()
    life.look(5, 20.0)
    assert life.events == ["Placed", "Training"]
