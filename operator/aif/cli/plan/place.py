"""`aif plan place`: many services on many nodes at once, with a bound on what any placement is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import Field, model_validator
from rich.console import Group, RenderableType

from aif.cli.files.profiles import InvalidProfile, Name, NonNegative, Positive, ProfileModel, load, titled
from aif.cli.output import Output, grid, show
from aif.cli.plots import draw
from aif.cli.si import share
from aif.errors import InvalidSpec
from aif.planning.arrays import FloatArray
from aif.planning.placement.joint import NOWHERE, JointPlacement, Problem, greedy, place

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Json = dict[str, Any]


class NodeProfile(ProfileModel):
    """A node, and what it has of each resource."""

    name: Name
    capacity: Annotated[dict[Name, NonNegative], Field(min_length=1)]


class ServiceProfile(ProfileModel):
    """A service, what it takes, and how good each node is for it; where a node has no score it may not go."""

    name: Name
    demand: dict[Name, NonNegative]
    scores: dict[Name, NonNegative]
    worth: NonNegative = 200.0


class PlacementProfile(ProfileModel):
    """Nodes and services."""

    nodes: Annotated[list[NodeProfile], Field(min_length=1, max_length=10_000)]
    services: Annotated[list[ServiceProfile], Field(min_length=1, max_length=100_000)]
    solver_seconds: Positive | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for part, names in (("nodes", self.node_names), ("services", [service.name for service in self.services])):
            first: dict[str, int] = {}
            for number, name in enumerate(names):
                if first.setdefault(name, number) != number:
                    raise InvalidSpec(f"{part}[{number}].name", f"{name} stands already in {part}[{first[name]}]")
        known, resources = set(self.node_names), set(self.resources)
        for number, service in enumerate(self.services):
            if strange := sorted(service.scores.keys() - known):
                raise InvalidSpec(f"services[{number}].scores.{strange[0]}", "there is no such node")
            if strange := sorted(service.demand.keys() - resources):
                raise InvalidSpec(f"services[{number}].demand.{strange[0]}", "no node has such a resource")
        return self

    @property
    def node_names(self) -> list[str]:
        """Return the names of the nodes in their order."""
        return [node.name for node in self.nodes]

    @property
    def resources(self) -> list[str]:
        """Return every resource that some node has."""
        return list(dict.fromkeys(resource for node in self.nodes for resource in node.capacity))

    @property
    def problem(self) -> Problem:
        """Return what the planner takes; what a node does not name it does not have."""
        resources, rows = self.resources, {name: row for row, name in enumerate(self.node_names)}
        score = np.full((len(self.services), len(self.nodes)), np.nan)
        for number, service in enumerate(self.services):
            for name, value in service.scores.items():
                score[number, rows[name]] = value
        return Problem(
            demand=_table([service.demand for service in self.services], resources),
            capacity=_table([node.capacity for node in self.nodes], resources),
            score=score,
            worth=np.array([service.worth for service in self.services]),
        )


def _table(amounts: list[dict[str, float]], resources: list[str]) -> FloatArray:
    return np.array([[row.get(resource, 0.0) for resource in resources] for row in amounts], dtype=np.float64)


def run(path: str, output: Output, plot: str) -> None:
    """Print where the services of the profile ``path`` go, and draw how full the nodes are to ``plot``.

    Raises:
        InvalidInput: The profile cannot be read or breaks a rule, or the picture cannot be drawn.
    """
    profile = load(path, PlacementProfile)
    problem = profile.problem
    try:
        found = place(problem) if profile.solver_seconds is None else place(problem, profile.solver_seconds)
    except InvalidSpec as error:
        raise InvalidProfile(titled(path), [(error.field, error.reason)]) from error
    structure = planned(profile, problem, found)
    draw(plot, lambda figure: paint(profile, problem, found, figure))
    show(structure, output, lambda _: view(structure))


def planned(profile: PlacementProfile, problem: Problem, found: JointPlacement) -> Json:
    """Return the placement, its certificate, and what one service after the other would have got."""
    in_turn, names = greedy(problem), profile.node_names
    return {
        "services": [
            {
                "name": service.name,
                "node": None if node == NOWHERE else names[node],
                "score": None if node == NOWHERE else float(problem.score[row, node]),
            }
            for row, (service, node) in enumerate(zip(profile.services, found.node.tolist(), strict=True))
        ],
        "placed": found.placed,
        "value": found.value,
        "bound": found.bound,
        "gap": found.gap,
        "method": found.method,
        "greedy": {"placed": in_turn.placed, "value": in_turn.value},
    }


def view(structure: Json) -> RenderableType:
    """Return a row per service, and the certificate below."""
    table = grid("SERVICE", "NODE", "SCORE")
    for service in structure["services"]:
        score = "-" if service["score"] is None else f"{service['score']:g}"
        table.add_row(service["name"], service["node"] or "-", score)
    ways = grid("PLACEMENT", "PLACED", "VALUE")
    ways.add_row(f"joint ({structure['method']})", str(structure["placed"]), f"{structure['value']:g}")
    ways.add_row("one after the other", str(structure["greedy"]["placed"]), f"{structure['greedy']['value']:g}")
    bound = f"No placement is worth more than {structure['bound']:.6g}: within {share(structure['gap'])} of the best."
    return Group(table, "", ways, "", bound)


def paint(profile: PlacementProfile, problem: Problem, found: JointPlacement, figure: Figure) -> None:
    """Draw the share of each resource that is taken, per node."""
    axes = figure.subplots()
    used = np.zeros(problem.capacity.shape)
    placed = found.node != NOWHERE
    np.add.at(used, found.node[placed], problem.demand[placed])
    taken = 100.0 * used / np.where(problem.capacity > 0.0, problem.capacity, np.inf)
    width = 0.8 / len(profile.resources)
    for number, resource in enumerate(profile.resources):
        axes.bar(np.arange(len(taken)) + number * width, taken[:, number], width, label=resource)
    axes.set_xticks(np.arange(len(taken)) + 0.4 - width / 2, profile.node_names)
    axes.set_ylabel("taken (%)")
    axes.legend()
