"""What was planned for a service, as the status keeps it: decision, cut and parts, promise, and the runner-up."""

from __future__ import annotations

from math import isfinite
from typing import Final

from aif.api.aiservice import INPUT_CUT, AIService, Offload
from aif.api.aiservice_plan import Plan, PlannedExit, PlanPart, Predicted, RunnerUp
from aif.api.migration_status import Placement
from aif.api.quantity import format_amount
from aif.planning.demands import translate
from aif.planning.exits.service import exit_of
from aif.planning.offload import local_side
from aif.planning.split.parting import Parting, parted
from aif.reconcile import evidence
from aif.reconcile.offloading import network_side
from aif.reconcile.rollout import variant_of
from aif.reconcile.sharing import for_plan
from aif.scheduling.selection import Choice, Selection
from aif.scheduling.sharing import SiteShare

SPLIT: Final = "Split"
"""Decision to part the model; until a runtime serves the user's part, the node runs all of it."""

_UE: Final = "ue"


def network_plan(service: AIService, selection: Selection, choice: Choice, share: SiteShare | None = None) -> Plan:
    """Return the plan to place a service on ``choice``, parted where that is worthwhile and the user lets us choose.

    Args:
        service: What is asked for.
        selection: What was found.
        choice: The place that it is about.
        share: What the service may take there; None where it shares with nobody.
    """
    parting = split_of(service, choice)
    return Plan(
        offload=Offload.NETWORK,
        decision=SPLIT if parting else Offload.NETWORK,
        node=choice.node,
        variant=choice.variant.name,
        score=choice.score,
        cut=parting.cut if parting else INPUT_CUT,
        exit=_exit(service, choice),
        parts=_parts(service, choice, parting),
        predicted=_promise(choice),
        share=for_plan(share),
        runner_up=_next_best(service, selection, choice),
        reason=selection.message[:256],
    )


def local_plan(service: AIService, why: str, best: Choice | None = None) -> Plan:
    """Return the plan to have the users' devices serve themselves; ``best`` is the node that would have served."""
    local = local_side(service)
    seconds, accuracy = local.seconds, service.spec.model.accuracy_basis_points
    return Plan(
        offload=Offload.LOCAL,
        decision=Offload.LOCAL,
        parts=[PlanPart(where=_UE, flops=_flops(seconds * local.attainable_flops), microseconds=_micro(seconds))],
        predicted=Predicted(
            latency_microseconds=_micro(seconds),
            millijoules_per_request=evidence.scaled(local.joules, 1e3),
            accuracy_basis_points=accuracy,
        ),
        runner_up=None if best is None else _runner_up(best),
        reason=why[:256],
    )


def standing_plan(service: AIService, placement: Placement) -> Plan:
    """Return the plan of a placement that holds, after a proposal to leave it was dropped."""
    variant = variant_of(service, placement)
    flops = None if variant is None else _flops(translate(service, variant).request.flops)
    return Plan(
        offload=Offload.NETWORK,
        decision=Offload.NETWORK,
        node=placement.node,
        variant=placement.variant,
        score=placement.score,
        cut=INPUT_CUT,
        parts=[PlanPart(where=placement.node, flops=flops)],
        predicted=Predicted(
            latency_microseconds=placement.predicted_latency_microseconds,
            millijoules_per_request=placement.predicted_millijoules_per_request,
        ),
        reason=f"stays on {placement.node}: what was proposed to a person is not needed any more",
    )


def split_of(service: AIService, choice: Choice) -> Parting | None:
    """Return the best cut of a service that may run on either side; None where the network alone is as good."""
    if service.spec.offload is not Offload.AUTO or choice.forecast.up_bits_per_second is None:
        return None
    forecast = choice.forecast
    rate, wait = forecast.up_bits_per_second or 0.0, forecast.wait_seconds or 0.0
    return parted(service, choice.variant, network_side(choice), rate, wait)


def _exit(service: AIService, choice: Choice) -> PlannedExit | None:
    forecast, whole = choice.forecast, choice.demand.accuracy
    found = exit_of(
        service,
        choice.variant,
        network_side(choice),
        forecast.up_bits_per_second or 0.0,
        wait_seconds=forecast.wait_seconds or 0.0,
        reliability=forecast.accuracy / whole if forecast.accuracy is not None and whole > 0.0 else 1.0,
    )
    if found is None:
        return None
    return PlannedExit(
        name=found.name,
        cut=found.cut,
        accuracy_basis_points=int(round(found.accuracy * 1e4, 6)),
        microseconds=_micro(found.seconds) or 0,
        in_time=found.in_time,
    )


def _parts(service: AIService, choice: Choice, parting: Parting | None) -> list[PlanPart]:
    if parting is None:
        whole = translate(service, choice.variant).request.flops
        return [PlanPart(where=choice.node, flops=_flops(whole), microseconds=_micro(choice.forecast.compute_seconds))]
    return [
        PlanPart(where=_UE, flops=_flops(parting.user_flops), microseconds=_micro(parting.user_seconds)),
        PlanPart(where=choice.node, flops=_flops(parting.network_flops), microseconds=_micro(parting.network_seconds)),
    ]


def _promise(choice: Choice) -> Predicted:
    accuracy = choice.forecast.accuracy
    return Predicted(
        latency_microseconds=evidence.microseconds(choice),
        millijoules_per_request=evidence.millijoules(choice),
        accuracy_basis_points=None if accuracy is None else int(round(accuracy * 1e4, 6)),
    )


def _next_best(service: AIService, selection: Selection, choice: Choice) -> RunnerUp | None:
    """Return the best node that was not taken; where there is none, the users' devices if they could serve."""
    taken = {each.node for each in (*selection.choices, choice)}
    other = next((each for each in selection.candidates if each.node not in taken), None)
    if other is not None:
        return _runner_up(other)
    local = local_side(service)
    if service.spec.offload is not Offload.AUTO or local.obstacle:
        return None
    return RunnerUp(decision=Offload.LOCAL, predicted_latency_microseconds=_micro(local.seconds))


def _runner_up(choice: Choice) -> RunnerUp:
    return RunnerUp(
        decision=Offload.NETWORK,
        node=choice.node,
        variant=choice.variant.name,
        score=choice.score,
        predicted_latency_microseconds=evidence.microseconds(choice),
    )


def _micro(seconds: float | None) -> int | None:
    return evidence.scaled(seconds, 1e6)


def _flops(flops: float) -> str | None:
    return format_amount(flops) if isfinite(flops) and flops > 0.0 else None
