"""`aif plan mobility`: where a user group goes next, and whether its service moves ahead of it."""

from __future__ import annotations

from functools import cached_property
from math import ceil, isinf
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

import numpy as np
from pydantic import Field, model_validator
from rich.console import Group, RenderableType

from aif.cli.files.profiles import InvalidProfile, Name, NonNegative, Positive, ProfileModel, Share, load, titled
from aif.cli.output import Output, grid, show
from aif.cli.plots import draw
from aif.cli.si import share, si
from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.mobility.factors import UNREAD, Mobility, learn
from aif.planning.mobility.moves import FAMILIAR, HERE, Decision, Terms, Verdict, breaches, decide, worth
from aif.planning.mobility.path import WRONG, Outlook, believed, outlook

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN: Final = 0.005
"""Probability below which a site is left out of tables and pictures."""

Json = dict[str, Any]
Path = list[Name | None]
"""Sites that were read, a step apart; null where there was no reading."""


class HostProfile(ProfileModel):
    """A node that may run the service, and the latency from there at each site; what is left out is unknown."""

    name: Name
    latency_seconds: dict[Name, NonNegative]


class MobilityProfile(ProfileModel):
    """Where a group is, where it has been, and where its service may run."""

    step_seconds: Positive
    readings: Annotated[Path, Field(min_length=1, max_length=10_000)]
    history: Annotated[list[Annotated[Path, Field(max_length=100_000)]], Field(max_length=1000)]
    neighbours: Annotated[dict[Name, list[Name]], Field(default_factory=dict)]
    wrong_readings: Annotated[Share, Field(lt=1.0)] = WRONG
    familiar_departures: Annotated[int, Field(ge=1)] = FAMILIAR
    hosts: Annotated[list[HostProfile], Field(min_length=1, max_length=1000)]
    host: Name
    latency_limit_seconds: Positive
    move_seconds: Positive
    move_cost_seconds: NonNegative
    horizon_seconds: Positive

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        names = self.host_names
        for number, name in enumerate(names):
            if names.index(name) != number:
                raise InvalidSpec(f"hosts[{number}].name", f"{name} stands already in hosts[{names.index(name)}]")
        if self.host not in names:
            raise InvalidSpec("host", f"{self.host} is none of the hosts; known are {', '.join(names)}")
        if self.readings[-1] is None and not any(self.readings):
            raise InvalidSpec("readings", "must name a site at least once")
        visited = {site for path in (self.readings, *self.history) for site in path}
        for number, one in enumerate(self.hosts):
            if strange := sorted(one.latency_seconds.keys() - visited - self._neighbours):
                raise InvalidSpec(f"hosts[{number}].latencySeconds.{strange[0]}", "no reading names such a site")
        if self.horizon_seconds / self.step_seconds > 1000:  # noqa: PLR2004 - beyond that nothing is foreseen
            raise InvalidSpec("horizonSeconds", "must be at most 1000 steps; make it shorter, or stepSeconds longer")
        _ = self.terms
        return self

    @property
    def _neighbours(self) -> set[str]:
        return {site for key, others in self.neighbours.items() for site in (key, *others)}

    @property
    def host_names(self) -> list[str]:
        """Return the names of the hosts in their order."""
        return [host.name for host in self.hosts]

    @cached_property
    def sites(self) -> dict[str, int]:
        """Return the number of each site by its name."""
        read = (site for path in (self.readings, *self.history) for site in path if site is not None)
        return {name: number for number, name in enumerate(dict.fromkeys([*read, *sorted(self._neighbours)]))}

    @property
    def terms(self) -> Terms:
        """Return what a move takes, in whole steps."""
        steps = [ceil(seconds / self.step_seconds) for seconds in (self.move_seconds, self.horizon_seconds)]
        return Terms(self.step_seconds, steps[0], self.move_cost_seconds, steps[1])

    @property
    def model(self) -> Mobility:
        """Return what is learned from the history."""
        pairs = [(self.sites[a], self.sites[b]) for a, others in self.neighbours.items() for b in others]
        return learn([self.numbers(path) for path in self.history], len(self.sites), pairs)

    @property
    def breach(self) -> FloatArray:
        """Return the share of time in breach by site and host, NaN where it is unknown."""
        latency = np.full((len(self.sites), len(self.hosts)), np.nan)
        for column, host in enumerate(self.hosts):
            for site, seconds in host.latency_seconds.items():
                latency[self.sites[site], column] = seconds
        return breaches(latency, self.latency_limit_seconds)

    def numbers(self, path: Path) -> list[int]:
        """Return the sites of ``path`` as numbers, -1 for none."""
        return [UNREAD if site is None else self.sites[site] for site in path]


def run(path: str, output: Output, plot: str) -> None:
    """Print where the group of the profile ``path`` goes and what its service does, and draw it to ``plot``.

    Raises:
        InvalidInput: The profile cannot be read or breaks a rule, or the picture cannot be drawn.
    """
    profile = load(path, MobilityProfile)
    try:
        ahead, decision = planned(profile)
    except InvalidSpec as error:
        raise InvalidProfile(titled(path), [(error.field, error.reason)]) from error
    structure = told(profile, ahead, decision)
    draw(plot, lambda figure: paint(structure, figure))
    show(structure, output, lambda _: view(structure))


def planned(profile: MobilityProfile) -> tuple[Outlook, Decision]:
    """Return what lies ahead of the group, and what its service does."""
    model, host = profile.model, profile.host_names.index(profile.host)
    belief = believed(model, profile.numbers(profile.readings), profile.wrong_readings)
    found = worth(model, profile.breach, profile.terms, host)
    decision = decide(model, belief, found, host, profile.familiar_departures)
    return outlook(model, belief, profile.terms.horizon_steps), decision


def told(profile: MobilityProfile, ahead: Outlook, decision: Decision) -> Json:
    """Return the forecast and the decision with the names of sites and hosts."""
    names, step = list(profile.sites), profile.step_seconds
    at = int(ahead.site.argmax())
    order = np.argsort(-ahead.next_site, kind="stable").tolist()
    return {
        "site": {"name": names[at], "probability": float(ahead.site[at])},
        "leavesInSeconds": _finite(ahead.mean_steps * step),
        "staysForever": ahead.stays,
        "next": [
            {
                "site": names[site],
                "probability": float(ahead.next_site[site]),
                "staySeconds": _finite(float(ahead.next_steps[site]) * step),
            }
            for site in order
            if ahead.next_site[site] > 0.0
        ],
        "ahead": [
            {
                "seconds": number * step,
                "leftProbability": 1.0 - float(ahead.survival[number]),
                "sites": {name: float(row[site]) for site, name in enumerate(names)},
            }
            for number, row in enumerate(ahead.occupancy)
        ],
        "decision": {
            "verdict": str(decision.verdict),
            "from": profile.host,
            "to": None if decision.host == HERE else profile.host_names[decision.host],
            "gainSeconds": decision.gain_seconds,
            "costSeconds": decision.cost_seconds,
            "reason": decision.reason,
        },
    }


def _finite(seconds: float) -> float | None:
    return None if isinf(seconds) else seconds


def view(structure: Json) -> RenderableType:
    """Return where the group is, where it goes, and the decision below."""
    here = grid("GROUP AT", "PROBABILITY", "LEAVES IN")
    here.add_row(
        structure["site"]["name"], share(structure["site"]["probability"]), _seconds(structure["leavesInSeconds"])
    )
    rows = grid("NEXT", "PROBABILITY", "STAYS")
    for row in (row for row in structure["next"] if row["probability"] >= SHOWN):
        rows.add_row(row["site"], share(row["probability"]), _seconds(row["staySeconds"]))
    decision = structure["decision"]
    verdict, to = decision["verdict"], decision["to"]
    goal = f"{verdict} to {to}" if verdict == Verdict.MOVE else f"{verdict} on {decision['from']}"
    other = f" (a move to {to})" if to is not None and verdict == Verdict.WAIT else ""
    return Group(here, "", rows, "", f"{goal}{other}: {decision['reason']}")


def _seconds(value: float | None) -> str:
    return "-" if value is None else si(value, "s")


def paint(structure: Json, figure: Figure) -> None:
    """Draw the probability of each site over time, of the sites that it may well be at."""
    axes = figure.subplots()
    times = [row["seconds"] for row in structure["ahead"]]
    for name in structure["ahead"][0]["sites"]:
        chances = [row["sites"][name] for row in structure["ahead"]]
        if max(chances) >= SHOWN:
            axes.plot(times, chances, label=name)
    if (leaves := structure["leavesInSeconds"]) is not None and leaves <= times[-1]:
        axes.axvline(leaves, color="tab:gray", linestyle="--", label="leaves, on average")
    axes.set_xlabel("from now (s)")
    axes.set_ylabel("probability of being at the site")
    axes.set_ylim(0.0, 1.0)
    axes.legend()
