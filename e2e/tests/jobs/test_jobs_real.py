"""Training on real nodes: pods of the learner's image, certificates, and a model on its claim."""

from __future__ import annotations

import pytest
from learning_place import Place, a_spec
from training_jobs import a_training_job

pytestmark = pytest.mark.slow


def test_three_clients_learn_together_and_leave_a_model(place: Place) -> None:
    place.jobs.apply(a_training_job("digits", **a_spec()))
    place.jobs.await_condition("digits", "Placed", "True")
    told = place.await_complete("digits")
    assert told["result"]["accuracyBasisPoints"] >= 9000
    note = place.note("digits")
    assert note["digest"] == told["result"]["digest"]
    assert note["rounds"] == 3
