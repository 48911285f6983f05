"""Faults of training jobs on real nodes: no finished round is lost, and the model is as good as if nothing had been."""

from __future__ import annotations

import pytest
import striking
from garbage_clients import KINDS
from learning_place import PATIENCE_S, Place, a_spec
from round_watch import RoundWatch
from training_jobs import a_training_job

pytestmark = pytest.mark.slow

ROUNDS = 12
CLIENTS, LOST, QUORUM = 6, 2, 3


def test_no_finished_round_is_lost_whatever_strikes(place: Place) -> None:
    rounds = {"max": ROUNDS, "localEpochs": 40, "timeoutSeconds": 120}
    quorum = {"minClients": QUORUM, "onLoss": "Degrade"}
    spec = a_spec(rounds=rounds, clients=CLIENTS, quorum=quorum, tls="None")
    watch = RoundWatch(place, "struck")
    with watch.running() as seen:
        place.jobs.apply(a_training_job("struck", **spec))
        watch.await_round(1, PATIENCE_S)
        striking.restart_api_server(place)
        watch.await_round(seen.last + 1, PATIENCE_S)
        striking.delete_pods(place, "struck", "client", LOST)
        watch.await_round(seen.last + 1, PATIENCE_S)
        named = striking.send_garbage(place, "struck")
        striking.delete_pods(place, "struck", "aggregator")
        told = place.await_complete("struck")
    assert seen.broken == []
    assert seen.last == told["progress"]["round"] == ROUNDS
    assert told["progress"]["epoch"] == 2, "the aggregator started anew, and went on"
    assert told["result"]["accuracyBasisPoints"] >= 9300
    assert all(name in named for name in KINDS)
