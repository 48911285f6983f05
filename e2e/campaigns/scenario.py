"""The run that campaigns share: services come in random order while nodes are lost and come back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rest import Json

from campaigns.drawing import Fault, Loss
from campaigns.field import Field
from cluster import nodes
from cluster.progress import Running

Subject = Fault | tuple[str, Json]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Services that come evenly over `over_s` seconds, and faults at their moments."""

    services: Sequence[tuple[str, Json]]
    faults: Sequence[Fault]
    over_s: float


def play(scenario: Scenario, field: Field, running: Running) -> None:
    """Carry the scenario out, in the order of its moments."""
    pace = scenario.over_s / max(1, len(scenario.services))
    moments: list[tuple[float, int, str, Subject]] = [
        *((number * pace, number, "apply", service) for number, service in enumerate(scenario.services)),
        *((fault.at_s, number, "lose", fault) for number, fault in enumerate(scenario.faults)),
        *((fault.back_s, number, "return", fault) for number, fault in enumerate(scenario.faults)),
    ]
    moments.sort(key=lambda each: each[:3])
    began = time.monotonic()
    for done, (at, _, what, subject) in enumerate(moments):
        time.sleep(max(0.0, began + at - time.monotonic()))
        _act(field, what, subject)
        running.advance(done + 1, len(moments))
        running.detail(f"{what} {_name(subject)}")


def _act(field: Field, what: str, subject: Subject) -> None:
    if not isinstance(subject, Fault):
        field.apply(subject)
    elif what == "lose":
        lose(field, subject)
    else:
        restore(field, subject)


def lose(field: Field, fault: Fault) -> None:
    """Take a node away."""
    if fault.loss is Loss.SILENCE:
        nodes.stop_heartbeat(field.cluster, fault.place.name)
    else:
        nodes.delete(field.cluster, [fault.place.name])


def restore(field: Field, fault: Fault) -> None:
    """Bring it back."""
    if fault.loss is Loss.SILENCE:
        nodes.resume_heartbeat(field.cluster, fault.place.name)
    else:
        nodes.create(field.cluster, [fault.place.node])


def _name(subject: Subject) -> str:
    return subject.place.name if isinstance(subject, Fault) else str(subject[1]["metadata"]["name"])
