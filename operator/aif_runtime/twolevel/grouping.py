"""Which terminal learns in which group, and where each group's model is cut ([NET4AI])."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from aif_runtime.learning.learner import INPUT, OUTPUT, LayerFigures, shows_data

AUTO = "Auto"
_LEARNING = 3.0
"""Operations of learning from an example, by those of an inference: forward once, backward twice."""

_BYTES = 4
_BOTH_WAYS = 2


@dataclass(frozen=True, slots=True)
class Terminal:
    """What a terminal told of itself when it consented.

    Attributes:
        name: Of the terminal.
        compute: FLOP/s that it spares.
        energy: Joules that it spares; for reports.
        raw_input_allowed: Whether its raw data may leave it.
        link: Bit/s to its radio site.
    """

    name: str
    compute: float = 1e9
    energy: float = 0.0
    raw_input_allowed: bool = False
    link: float = 1e8


@dataclass(frozen=True, slots=True)
class Group:
    """Terminals that one server trains with.

    Attributes:
        name: Of the group.
        cut: Where the model is cut; ``Auto`` to have it chosen.
        clients: How many terminals are wanted; 0 for as many as fall to it.
    """

    name: str
    cut: str = AUTO
    clients: int = 0


@dataclass(frozen=True, slots=True)
class Assignment:
    """A group with its terminals; ``missing`` tells how many are missing to k."""

    group: Group
    terminals: tuple[Terminal, ...]
    missing: int = 0


def assigned(
    terminals: Sequence[Terminal],
    groups: Sequence[Group],
    k: int,
    layers: Sequence[LayerFigures],
    legal: Collection[str] | None = None,
) -> tuple[Assignment, ...]:
    """Deal terminals to groups, and choose the cuts that are to be chosen.

    Groups whose model is cut higher get the terminals that compute faster. A terminal that refuses raw data never comes
    into a group whose cut shows them. Each group first gets k terminals, as far as there are so many, then as many
    as it wants; those whose number is open share what is left.
    """
    depth = {name: place for place, name in enumerate([INPUT, *(layer.name for layer in layers[1:]), OUTPUT])}
    middle = len(layers) / 2
    ordered = sorted(groups, key=lambda group: (-depth.get(group.cut, middle), group.name))
    waiting = sorted(terminals, key=lambda terminal: (-terminal.compute, terminal.name))
    dealt: dict[str, list[Terminal]] = {group.name: [] for group in ordered}
    for goal in (k, None):
        for group in ordered:
            room = _room(group, len(dealt[group.name]), goal)
            taken = [one for one in waiting if one.raw_input_allowed or not shows_data(layers, group.cut)][:room]
            dealt[group.name] += taken
            waiting = [one for one in waiting if one not in taken]
    for terminal in waiting:
        fit = [one for one in ordered if terminal.raw_input_allowed or not shows_data(layers, one.cut)]
        takers = [one for one in fit if not one.clients]
        if takers:
            dealt[min(takers, key=lambda one: len(dealt[one.name])).name].append(terminal)
    found = {group.name: _settled(group, dealt[group.name], k, layers, legal) for group in ordered}
    return tuple(found[group.name] for group in groups)


def _room(group: Group, members: int, goal: int | None) -> int:
    """Return how many more a group takes: up to ``goal``, or up to what it wants where that is None."""
    if goal is None:
        return max(0, group.clients - members)
    return max(0, min(goal, group.clients or goal) - members)


def _settled(
    group: Group, terminals: Sequence[Terminal], k: int, layers: Sequence[LayerFigures], legal: Collection[str] | None
) -> Assignment:
    members = tuple(sorted(terminals, key=lambda terminal: terminal.name))
    cut = chosen_cut(layers, members, legal) if group.cut == AUTO and members else group.cut
    return Assignment(replace(group, cut=cut), members, max(0, k - len(members)))


def chosen_cut(
    layers: Sequence[LayerFigures], terminals: Sequence[Terminal], legal: Collection[str] | None = None
) -> str:
    """Return the middle cut at which the slowest terminal learns from an example in the least time.

    Neither the input nor the output is chosen: the one would show the data, the other the model. Nor is a cut below the
    first layer with numbers: what crosses it is still the data. ``legal`` are the names of the layers after which the
    model can be cut; None where it can after each.
    """
    below = 0.0
    learned = False
    times: Mapping[str, float] = {}
    for layer in layers[:-1]:
        below += layer.flop
        learned = learned or layer.parameters > 0
        if learned and (legal is None or layer.name in legal):
            bits = 8 * _BYTES * layer.elements * _BOTH_WAYS
            slowest = max(_LEARNING * below / terminal.compute + bits / terminal.link for terminal in terminals)
            times = {**times, layer.name: slowest}
    return min(times, key=lambda name: times[name]) if times else OUTPUT
