"""Where the users of a service are, and whether it moves ahead of them: positions read, path predicted ([EDGE])."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

import numpy as np

from aif.api.aiservice import AIService, UserEquipment
from aif.domain.policy import Policy
from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.mobility.factors import UNREAD, Mobility, learn
from aif.planning.mobility.moves import Terms, Verdict, breaches, decide, worth
from aif.planning.mobility.path import believed
from aif.scheduling.cycle import select
from aif.scheduling.node_table import NodeTable
from aif.scheduling.problem import Problem

MOST_SITES: Final = 24
"""Sites that are told apart: those that were read most often, the present one among them."""

RECENT: Final = 3
"""Readings of which one must name a site: where all are missing, it is not known where the users are."""

REMEMBERED: Final = 200
"""Readings that the belief about the present is made from; what was before is in what was learnt."""

AGES: Final = 32
"""Readings of a stay that are told apart."""

LOOKAHEAD: Final = 20
"""Readings beyond a move that are looked ahead."""

COST_SECONDS: Final = 10.0
"""Seconds in breach that a move is worth: it has to avoid more of them."""


@dataclass(frozen=True, slots=True)
class Track:
    """Where the users of one service were.

    Attributes:
        sites: Radio site at each reading, a step apart, the newest last; empty where there was none.
        step_seconds: Time between readings.
    """

    sites: tuple[str, ...]
    step_seconds: float


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the users of one service are, and whether it moves ahead of them.

    Attributes:
        site: Radio site where they are: ComputeNode.
        verdict: Whether to begin a move now; unknown where too little is.
        next_site: Where they go next, most likely; empty where that is not known.
        host: ComputeNode to move to; empty where none comes into question.
        reason: Why, one clause for people.
    """

    site: str
    verdict: Verdict = Verdict.UNKNOWN
    next_site: str = ""
    host: str = ""
    reason: str = ""


def seen_from(service: AIService, site: str | None, table: NodeTable) -> AIService:
    """Return ``service`` with its users at ``site``; as it is where there is no such node, or they bring their link."""
    users = service.spec.ue or UserEquipment()
    if not site or site not in table.room.rows or users.link is not None or users.attached_to == site:
        return service
    moved = users.model_copy(update={"attached_to": site})
    return service.model_copy(update={"spec": service.spec.model_copy(update={"ue": moved})})


def foresee(
    service: AIService, track: Track, table: NodeTable, policy: Policy, move_seconds: float
) -> Whereabouts | None:
    """Return where the users of ``service`` are, and whether it moves ahead of them.

    A verdict needs a latency target, a single placement and no move under way.

    Args:
        service: What they use.
        track: Where they were.
        table: All nodes.
        policy: What the administrator configured.
        move_seconds: How long it takes until a new copy serves.

    Returns:
        None where it is not known where they are.
    """
    known = [site if site in table.room.rows else "" for site in track.sites]
    here = next((site for site in reversed(known[-RECENT:]) if site), None)
    if here is None:
        return None
    status, latency = service.status, service.spec.qos.latency
    if latency is None or len(status.placements) != 1 or status.migration is not None or track.step_seconds <= 0.0:
        return Whereabouts(here)
    often = Counter(site for site in known if site)
    names = [here, *(site for site, _ in often.most_common(MOST_SITES) if site != here)][:MOST_SITES]
    places = {name: place for place, name in enumerate(names)}
    readings = np.array([places.get(site, UNREAD) for site in known], dtype=np.int64)
    model = learn([readings], len(names), ages=AGES)
    belief = believed(model, readings[-REMEMBERED:])
    hosts = _hosts(service, names, table, policy)
    limit = latency.max_p99_microseconds / 1e6
    breach = breaches([_latencies(service, name, hosts, table, policy) for name in names], limit)
    steps = max(1, ceil(move_seconds / track.step_seconds))
    return _weighed(
        model, belief, breach, Terms(track.step_seconds, steps, COST_SECONDS, steps + LOOKAHEAD), names, hosts
    )


def _weighed(
    model: Mobility, belief: FloatArray, breach: FloatArray, terms: Terms, names: Sequence[str], hosts: Sequence[str]
) -> Whereabouts:
    ahead = model.by_site(belief.sum(axis=1) @ model.following)
    found = Whereabouts(names[0], next_site=names[int(ahead.argmax())] if ahead.any() else "")
    try:
        decision = decide(model, belief, worth(model, breach, terms, 0), 0)
    except InvalidSpec as error:
        return replace(found, reason=error.message)
    host = hosts[decision.host] if decision.host > 0 else ""
    return replace(found, verdict=decision.verdict, host=host, reason=decision.reason)


def _hosts(service: AIService, names: Iterable[str], table: NodeTable, policy: Policy) -> list[str]:
    """Return the present node, and the one that would be taken for users at each of ``names``."""
    (placement,) = service.status.placements
    row = table.room.rows.get(placement.node)
    held = () if row is None else tuple(c for c in table.room.claims[row] if c.owner == service.metadata.uid)
    vacated = table.without(held)
    chosen = (select(seen_from(service, name, table), vacated, policy).chosen for name in names)
    return list(dict.fromkeys((placement.node, *(choice.node for choice in chosen if choice is not None))))


def _latencies(service: AIService, site: str, hosts: Sequence[str], table: NodeTable, policy: Policy) -> list[float]:
    """Return the latency that users at ``site`` are predicted on each of ``hosts``; NaN where it is not known."""
    (placement,) = service.status.placements
    variant = next((each for each in service.variants if each.name == placement.variant), service.variants[0])
    latency = Problem.of(seen_from(service, site, table), variant, table, policy).prediction.latency
    rows = [table.room.rows.get(host) for host in hosts]
    return [float("nan") if row is None else float(latency[row]) for row in rows]
