"""A training job outlives the operator that began it; in a module of its own, as no other replica may lead."""

from __future__ import annotations

from operator_process import Operators, Replica
from rest import eventually
from training_jobs import TrainingJobs, a_training_job


def test_whoever_takes_over_goes_on_with_the_same_pods(jobs: TrainingJobs, operators: Operators) -> None:
    first: Replica = operators.start_leading()
    jobs.apply(a_training_job("handed-over"))
    jobs.await_condition("handed-over", "QuorumReady", "True")
    before = {pod["metadata"]["uid"] for pod in jobs.pods("handed-over")}
    second = operators.start()
    eventually(lambda: second.stands_by, "another replica stands by", 60)
    first.kill()
    eventually(lambda: second.leads, "it takes over once the Lease has run out", 90)
    jobs.await_condition("handed-over", "QuorumReady", "True")
    assert {pod["metadata"]["uid"] for pod in jobs.pods("handed-over")} == before
    second.end()
