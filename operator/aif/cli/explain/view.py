"""The explanation of a service on a screen of 100 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from aif.api.aiservice import AIService
from aif.api.aiservice_demands import Demands
from aif.api.aiservice_plan import Plan, PlannedExit, Share
from aif.api.aiservice_status import Candidate, Placement, Term
from aif.api.migration_status import MigrationStatus
from aif.cli.explain.advice import next_steps
from aif.cli.explain.explanation import enforcement, unsettled, verdict
from aif.cli.figures import ABSENT, duration, energy, in_unit, memory, optional, plural, rate, readable
from aif.cli.moves import moves
from aif.cli.moves import view as moves_view
from aif.cli.output import grid

_BAR: Final = 8
"""Cells of a full bar."""

LAST_MOVES: Final = 3
"""Moves that are shown of those that have ended; `aif history` has all that the status remembers."""

_GOOD, _FAIR = 70, 40
_STYLES: Final = {"True": "green", "False": "red", "Unknown": "yellow"}
_VERDICTS: Final = {"Met": "green", "Breached": "bold red", "Unknown": "yellow"}


def view(service: AIService, screen: Console) -> RenderableType:
    """Return the explanation of ``service``: head, demands, candidates, refusals, contract, conditions, what to do."""
    sections = (
        ("Contract", contract(service)),
        ("Move under way", move(service.status.migration)),
        ("Last moves", moves_view.table(moves.over(service.status.migrations[-LAST_MOVES:]))),
        ("Conditions", conditions(service)),
        ("What to do", advice(service)),
    )
    return Group(
        *head(service),
        *_sections(("Demands", demands(service.status.demands))),
        *grounds(service, screen),
        *_sections(*sections),
    )


def grounds(service: AIService, screen: Console) -> list[RenderableType]:
    """Return what a choice of node rests on: candidates with their scores, and refusals."""
    blocks = "█" if screen.encoding.lower().startswith("utf") else "#"
    return _sections(
        ("Candidates", candidates(service.status.candidates, blocks)),
        ("Refused", refusals(service)),
    )


def _sections(*sections: tuple[str, RenderableType | None]) -> list[RenderableType]:
    return [part for title, body in sections if body is not None for part in _section(title, body)]


def _section(title: str, body: RenderableType) -> tuple[RenderableType, ...]:
    return Text(), Text(title, style="bold underline"), Padding(body, (0, 0, 0, 2), expand=False)


def head(service: AIService) -> Iterator[Text]:
    """Yield the service in a line, the decision in the next, and why in the last."""
    meta, spec = service.metadata, service.spec
    load = f", {float(spec.load.requests_per_second):g} requests/s" if spec.load else ""
    about = f"{spec.service_type}, {spec.model.name} {spec.model.precision}{load}"
    yield Text.assemble((meta.name, "bold"), f"  in {meta.namespace}: {about}")
    placed = verdict(service)
    if placed is None:
        yield Text("Not looked at yet", style="yellow")
        return
    style = _STYLES["Unknown" if placed.reason == "AwaitingApproval" else placed.status]
    for placement in service.status.placements:
        yield Text(_place(service, placement), style=style)
    if not service.status.placements:
        yield Text(f"{'Placed' if placed.status == 'True' else 'Not placed'}: {placed.reason}", style=f"bold {style}")
    yield from _why(service, placed.message)


def _place(service: AIService, placement: Placement) -> str:
    latency, asked = placement.predicted_latency_microseconds, service.spec.qos.latency
    target = f" of {duration(asked.max_p99_microseconds)} allowed" if asked else ""
    promised = f", predicted {duration(latency)}{target}" if latency is not None else ""
    return (
        f"On {placement.node} ({placement.tier}) as variant {placement.variant}, "
        f"{plural(placement.replicas, 'replica')}, score {placement.score} of 100{promised}"
    )


def _why(service: AIService, message: str) -> Iterator[Text]:
    plan = service.status.plan
    if service.status.placements and plan is not None and plan.reason:
        yield Text(f"Why: {plan.reason}")
    if service.status.placements and plan is not None and plan.decision is not None:
        yield Text(f"Plan: {_planned(plan)}")
    if service.status.placements and plan is not None and plan.exit is not None:
        yield Text(f"Exit: {_left(plan.exit)}")
    if service.status.placements and plan is not None and plan.share is not None:
        yield Text(f"Share: {_shared(plan.share)}")
    if message and not (service.status.placements and message.startswith("On ")):
        yield Text(message)


def _left(chosen: PlannedExit) -> str:
    """Return which exit would answer, cut where, how well and how soon."""
    late = "" if chosen.in_time else ", later than the contract asks"
    told = f"{chosen.name} cut after {chosen.cut}, accuracy {chosen.accuracy_basis_points / 100:.2f} %"
    return f"{told}, {duration(chosen.microseconds)} a request{late}; nothing serves it yet"


def _shared(share: Share) -> str:
    """Return what the joint allocation gives the service, beside those that it shares with."""
    link = rate(share.up_bits_per_second, "bit/s")
    others = plural(share.services - 1, "other service")
    return f"{share.cpu} cores and {link} of the uplink beside {others}, {duration(share.microseconds)} a request"


def _planned(plan: Plan) -> str:
    """Return the decision with the parts of a split, and what came next."""
    parts = " and ".join(f"{part.where} {optional(part.microseconds, duration)}" for part in plan.parts)
    split = f" after {plan.cut}, {parts}; {plan.node} runs all of it, as nothing serves the users' part yet"
    told = f"{plan.decision}{split if len(plan.parts) > 1 else ''}"
    if plan.runner_up is None:
        return f"{told}; no other candidate"
    other = plan.runner_up
    named = "the users' devices" if other.node is None else f"{other.node} as variant {other.variant}"
    score = "" if other.score is None else f", score {other.score}"
    latency = other.predicted_latency_microseconds
    return f"{told}; next best {named}{score}" + (f", predicted {duration(latency)}" if latency is not None else "")


def demands(asked: Demands | None) -> RenderableType | None:
    """Return what the service asks of its node, in words; None where nothing is known."""
    if asked is None:
        return None
    words = (
        ("compute", asked.flops_per_second and rate(asked.flops_per_second, "FLOP/s")),
        (
            "memory traffic",
            asked.memory_bandwidth_bytes_per_second and rate(asked.memory_bandwidth_bytes_per_second, "B/s"),
        ),
        ("uplink", asked.up_bits_per_second and rate(asked.up_bits_per_second, "bit/s")),
        ("downlink", asked.down_bits_per_second and rate(asked.down_bits_per_second, "bit/s")),
        ("cores", asked.cpu),
        ("memory", asked.memory and memory(asked.memory)),
        ("disk", asked.ephemeral_storage and memory(asked.ephemeral_storage)),
        ("accelerators", asked.accelerators),
    )
    text = Text(", ").join(Text.assemble(f"{what} ", (amount, "bold")) for what, amount in words if amount)
    return text or None


def candidates(known: Sequence[Candidate], block: str) -> Table | None:
    """Return a column per candidate and a row per term of the score; None where there are none."""
    if not known:
        return None
    table = grid("", "weight", *(candidate.node for candidate in known))
    for name, cells in (
        ("variant", [candidate.variant for candidate in known]),
        ("predicted latency", [optional(candidate.predicted_latency_microseconds, duration) for candidate in known]),
        ("energy per request", [optional(candidate.predicted_millijoules_per_request, energy) for candidate in known]),
    ):
        if any(cell != ABSENT for cell in cells):
            table.add_row(name, "", *cells, style="dim")
    for term in known[0].terms:
        table.add_row(term.name, f"{round(term.weight / 100)} %", *(_bar(term.name, each, block) for each in known))
    table.add_row("score", "", *(Text(str(candidate.score), style="bold") for candidate in known))
    return table


def _bar(name: str, candidate: Candidate, block: str) -> Text:
    term: Term | None = next((term for term in candidate.terms if term.name == name), None)
    if term is None:
        return Text("-")
    style = "green" if term.score >= _GOOD else "yellow" if term.score >= _FAIR else "red"
    return Text.assemble((f"{block * round(term.score * _BAR / 100):<{_BAR}}", style), f" {term.score:>3}")


def refusals(service: AIService) -> Table | None:
    """Return why other nodes were refused, and by how much the nearest missed; None where none was."""
    if not service.status.rejected:
        return None
    table = grid("REASON", "VARIANT", "NODES", "NEAREST", "NEEDS", "OFFERS")
    for refusal in service.status.rejected:
        reason = Text(refusal.reason, style="red")
        needs, offers = readable(refusal.required), readable(refusal.available)
        table.add_row(reason, refusal.variant, str(refusal.count), refusal.nearest, needs, offers)
    return table


def contract(service: AIService) -> Table | None:
    """Return what was asked for, predicted and measured; None where nothing was asked for."""
    if not service.status.qos:
        return None
    table = grid("DIMENSION", "ENFORCED", "TARGET", "PREDICTED", "MEASURED", "VERDICT")
    for one in service.status.qos:
        name, figures = one.dimension, (one.target, one.predicted, one.measured)
        verdict_cell = Text(one.verdict, style=_VERDICTS.get(one.verdict, ""))
        table.add_row(name, enforcement(service, name), *(in_unit(name, figure) for figure in figures), verdict_cell)
    return table


def move(known: MigrationStatus | None) -> RenderableType | None:
    """Return the move under way, with the phase that it has come to; None where the service stays."""
    if known is None:
        return None
    since = f"{moves.moment(known.phase_since):%H:%M:%S} UTC"
    told = f"{known.phase} since {since}: {moves.PHASES[known.phase]}; rolled back unless over by "
    deadline = f"{moves.moment(known.deadline):%H:%M:%S} UTC"
    return Group(moves_view.heading(known), Text(f"{told}{deadline}"), *moves_view.figures(known.figures))


def conditions(service: AIService) -> Table | None:
    """Return the conditions that are not as one would wish, less what the head has said; None where none is left."""
    said = verdict(service)
    odd = [one for one in unsettled(service) if said is None or one.message != said.message]
    if not odd:
        return None
    table = grid("CONDITION", "STATUS", "REASON", "MESSAGE")
    for condition in odd:
        status = Text(condition.status, style=_STYLES[condition.status])
        table.add_row(condition.type, status, condition.reason, condition.message)
    return table


def advice(service: AIService) -> Group | None:
    """Return what to do next, a line each; None where there is nothing to do."""
    steps = next_steps(service)
    return Group(*(Text(f"- {step}") for step in steps)) if steps else None
