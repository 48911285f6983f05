"""A service goes ahead of users whose way it has learnt: a real Prometheus tells it where they are."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import yaml
from contract_moves import MIGRATION, Moves
from network import a_compute_node
from sampling import sampled

HOME_SECONDS, AWAY_SECONDS = 3.0, 12.0
"""How long users stay at the site of the service, and at the other one, again and again."""

FAR_MICROSECONDS = 150_000
"""Round trip between both sites: beyond a target of 100 ms."""


@dataclass
class Commuters:
    """Users who go to and fro between two sites."""

    home: str
    away: str
    began: float

    def exposition(self) -> str:
        """Return where they are, as an access network would tell."""
        at = (time.monotonic() - self.began) % (HOME_SECONDS + AWAY_SECONDS)
        site = self.home if at < HOME_SECONDS else self.away
        return f'# TYPE aif_ue_site gauge\naif_ue_site{{site="{site}"}} 20\n'


def profiles(folder: Path) -> str:
    """Write a file in which the default profile tells of positions too; return its path."""
    text = resources.files("aif.gateways.prometheus").joinpath("profiles.yaml").read_text()
    known = next(each for each in yaml.safe_load(text)["profiles"] if each["name"] == "aif-runtime")
    known["queries"]["ueSite"] = "max by ($by) (aif_ue_site)"
    path = folder / "profiles.yaml"
    path.write_text(yaml.safe_dump({"profiles": [known]}))
    return str(path)


def test_a_service_goes_where_its_users_are_about_to_be(moves: Moves, tmp_path: Path) -> None:
    home, away = moves.pool.nodes
    own = a_compute_node(home)["spec"]["links"]
    far = {**own[0], "to": away, "rttMicroseconds": FAR_MICROSECONDS}
    moves.rest.apply("computenodes", a_compute_node(home, links=[*own, far]))
    users = Commuters(home, away, time.monotonic())
    moves.traffic.beside = users.exposition
    moves.start(AIF_METRIC_PROFILES=profiles(tmp_path))
    quick = {**MIGRATION, "verifySeconds": 1}
    assert moves.serve(ue={"attachedTo": home}, migration=quick) == home
    with sampled(moves.services, "plates"):
        record = moves.await_record(within_s=360)
    assert (record["from"], record["to"]) == (home, away)
    assert (record["trigger"], record["result"]) == ("HandoverExpected", "Completed")
    (placement,) = moves.services.get("plates")["status"]["placements"]
    assert (placement["node"], placement["usersAt"]) == (away, away)
    assert moves.services.condition("plates", "QoSMet")["status"] == "True"
