"""Faults of training jobs on real nodes: no finished round is lost, and the model is as good as if nothing had been."""

from __future__ import annotations

import pytest
import striking
from garbage_clients import KINDS
from learning_place import PATIENCE_S, Place, a_spec
from rest import eventually
from round_watch import RoundWatch
from training_jobs import a_training_job

pytestmark = pytest.mark.slow

NEVER = 10_000
"""So many rounds are not reached: the job goes on for as long as it is struck, however fast the machine is."""

CLIENTS, LOST, QUORUM = 6, 2, 3
AS_UNDISTURBED = 9300
"""Two points below what three clients reach in the test of undisturbed jobs; some rounds later here."""


def test_no_finished_round_is_lost_whatever_strikes(place: Place) -> None:
    rounds = {"max": NEVER, "localEpochs": 20, "timeoutSeconds": 120}
    quorum = {"minClients": QUORUM, "onLoss": "Degrade"}
    spec = a_spec(rounds=rounds, clients=CLIENTS, quorum=quorum, tls="None")
    watch = RoundWatch(place, "struck")
    with watch.running() as seen:
        place.jobs.apply(a_training_job("struck", **spec))
        watch.await_round(1, PATIENCE_S)
        striking.delete_pods(place, "struck", "client", LOST)
        striking.restart_api_server(place)
        watch.await_round(seen.last + 1, PATIENCE_S)
        named = striking.send_garbage(place, "struck")
        striking.delete_pods(place, "struck", "aggregator")

        def goes_on() -> bool:
            place.revive()
            return int(place.jobs.get("struck")["status"]["progress"]["epoch"]) == 2

        eventually(goes_on, "another aggregator tells how far the job is", PATIENCE_S)
        watch.await_round(seen.last + 2, PATIENCE_S)
        told = place.jobs.get("struck")["status"]["progress"]
    place.remove("struck")
    assert seen.broken == []
    assert told["accuracyBasisPoints"] >= AS_UNDISTURBED
    assert all(name in named for name in KINDS)
