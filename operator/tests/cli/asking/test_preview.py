"""A dry run answers a request to move with the operator's own code, and asks for nothing."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from aif.api.aiservice import AIService
from aif.cli.asking.preview import Preview, decide, report, view
from aif.cli.inputs import Inputs
from aif.cli.moves.moves import End
from aif.cli.simulation.decisions import Simulation, simulate
from aif.domain.cluster import Pod
from aif.domain.policy import Policy
from aif.errors import InvalidInput
from tests.builders import CPU_32, NOON, a_compute_node, a_pod, an_aiservice
from tests.cli.moves.moving import a_move


def simulated(**spec: Any) -> Simulation:
    """Return the default service on one of two equal sites, beside a third without an accelerator."""
    bare = a_compute_node("bare", devices=[CPU_32])
    nodes = (a_compute_node("gnb-1"), a_compute_node("gnb-2"), bare)
    return simulate(Inputs(services=(an_aiservice(**spec),), compute_nodes=nodes), Policy(), NOON)


def asked(target: str, *, serving: bool = True, **spec: Any) -> tuple[Preview, str, str]:
    """Return the answer to a request to move to ``target``, or to the ``other`` site; where it is, and the other."""
    before = simulated(**spec)
    (service,) = before.services
    here = service.status.placements[0].node
    other = "gnb-2" if here == "gnb-1" else "gnb-1"
    named = {"other": other, "here": here}.get(target, target)
    network = before.network if not serving else replace(before.network, pods=(a_replica(service),))
    return decide(service, named, network, [service], Policy(), NOON), here, other


def a_replica(service: AIService) -> Pod:
    (place,) = service.status.placements
    return a_pod(node=place.node_name, service="plates", copy=place.copy_id)


def printed(found: Preview) -> str:
    screen = Console(file=io.StringIO(), width=160)
    with screen.capture() as captured:
        screen.print(view(found, screen))
    return captured.get()


@pytest.mark.parametrize("target", ["other", "any"])
def test_a_move_that_would_begin_is_told_with_its_nodes(target: str) -> None:
    found, here, other = asked(target)
    assert found.end is End.COMPLETED
    structure = report(found)
    assert (structure["result"], structure["move"]["from"], structure["move"]["to"]) == ("Move", here, other)
    assert f"Would begin: Move 1 from {here} to {other}, Requested" in printed(found)
    assert "Nothing was asked for" in printed(found)


def test_a_service_that_serves_nobody_would_be_placed_anew_at_once() -> None:
    found, here, other = asked("other", serving=False)
    assert (found.end, found.message) == (
        End.COMPLETED,
        f"{here} is left at once for {other}: no replica serves there",
    )
    assert printed(found).startswith("Would be placed anew")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        pytest.param("moon", "No ComputeNode moon", id="no such node"),
        pytest.param("here", "serves already", id="where it is"),
        pytest.param("bare", "nvidia.com/gpu", id="without an accelerator"),
    ],
)
def test_a_refusal_names_the_reason(target: str, said: str) -> None:
    found, *_ = asked(target)
    assert found.end is End.REFUSED
    assert said in found.message
    assert report(found)["move"] is None
    assert "Would be refused: plates stays where it is" in printed(found)


def test_a_service_that_moves_already_is_not_asked_about() -> None:
    before = simulated()
    (placed,) = before.services
    status = {**placed.status.to_dict(), "migration": a_move()}
    moving = AIService.model_validate({**placed.to_dict(), "status": status})
    with pytest.raises(InvalidInput, match=r"moves already \(move 3\): wait for its end, or `aif abort plates`"):
        decide(moving, "any", before.network, [moving], Policy(), NOON)
