"""What a person can do about a service that does not serve, the nearest way first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from aif.api.aiservice import AIService
from aif.api.aiservice_status import Rejected
from aif.api.conditions import Condition, Reason
from aif.cli.figures import readable

MOST: Final = 3
"""Longer lists are not read."""

UNKNOWN: Final = "unknown"
"""What a node offers where nobody has declared it."""

_ABOUT_A_LIMIT: Final[Mapping[str, str]] = {
    Reason.LATENCY_INFEASIBLE: (
        "raise spec.qos.latency.maxP99Microseconds to {number}, which {nearest} offers, or add a nearer or faster node"
    ),
    Reason.ACCELERATOR_UNAVAILABLE: (
        "add a fallback to spec.variants (another accelerator, or the CPU), or free {required} on {nearest}"
    ),
    Reason.MEMORY_INFEASIBLE: "ask for less memory in spec.workload or in variant {variant}, or add a larger node",
    Reason.COMPUTE_INFEASIBLE: (
        "lower spec.load or spec.qos.compute to what {nearest} has left ({available}), or add a faster node"
    ),
    Reason.BANDWIDTH_INFEASIBLE: (
        "relax spec.qos.bandwidth or the data of a request to what the link of {nearest} offers ({available})"
    ),
    Reason.ACCURACY_INFEASIBLE: "choose a more accurate model or variant, or lower spec.qos.accuracy.minBasisPoints",
    Reason.AVAILABILITY_INFEASIBLE: "lower spec.qos.availability.minPpm, or make it Soft",
    Reason.ENERGY_BUDGET_EXCEEDED: (
        "raise spec.qos.energy.maxMillijoulesPerRequest to {number}, which {nearest} needs, or make it Soft"
    ),
    Reason.SECURITY_INFEASIBLE: "have the administrator raise securityLevel of a node, or lower spec.qos.securityLevel",
    Reason.PRIVACY_INFEASIBLE: "add a node of the own network, or lower spec.qos.privacyLevel",
    Reason.CAPACITY_RESERVED: "free capacity on {nearest} (`aif nodes` shows what is free), or ask for less",
    Reason.NOT_SELECTED: "widen spec.placement: no node outside it was looked at ({nearest} is one)",
    Reason.NODE_CORDONED: "run `kubectl uncordon` on the Node of {nearest}",
    Reason.NODE_NOT_READY: "mend the Node of {nearest}: `kubectl describe node` says what it lacks",
    Reason.NODE_UNREACHABLE: "find out why the kubelet on {nearest} is silent",
    Reason.NODE_NOT_JOINED: "let the Node of {nearest} join the cluster, or correct its spec.nodeName",
}


def next_steps(service: AIService) -> list[str]:
    """Return what to do next, in sentences; nothing where the service is as it should be."""
    conditions = {condition.type: condition for condition in service.status.conditions}
    if not conditions:
        return ["The operator has not looked at it yet: check that it runs (`kubectl get deployments -n aif-system`)."]
    if service.spec.suspend:
        return ["Set spec.suspend to false to start it again."]
    if service.status.plan is not None and service.status.plan.token is not None:
        return [_approval(service, service.status.plan.token)]
    if conditions["Accepted"].status == "False":
        return ["Correct the field that the message names, and apply it again."]
    if conditions["Placed"].status != "True":
        return list(_placing(service))[:MOST]
    return list(_running(service, conditions))


def _approval(service: AIService, token: str) -> str:
    where = f"{service.metadata.name} -n {service.metadata.namespace}"
    return f"Approve it: kubectl annotate aiservice {where} --overwrite net4ai.io/approve={token}"


def _placing(service: AIService) -> Iterator[str]:
    """Yield one way per limit that nodes miss, the limit of most nodes first."""
    told: set[str] = set()
    falls_back = len({refusal.variant for refusal in service.status.rejected}) > 1
    for refusal in service.status.rejected:
        # Where another variant was tried too, it is that one's limit which counts.
        beside_the_point = falls_back and refusal.reason == Reason.ACCELERATOR_UNAVAILABLE
        if refusal.reason in _ABOUT_A_LIMIT and refusal.reason not in told and not beside_the_point:
            told.add(refusal.reason)
            yield f"{refusal.reason}: {_way_out(refusal)}."


def _way_out(refusal: Rejected) -> str:
    if refusal.available == UNKNOWN:
        return f"declare in the spec of {refusal.nearest} what it offers (links, peakFlops, memory): it is not known"
    return _ABOUT_A_LIMIT[refusal.reason].format(
        nearest=refusal.nearest,
        required=readable(refusal.required),
        available=readable(refusal.available),
        number=refusal.available.partition(" ")[0],
        variant=refusal.variant,
    )


def _running(service: AIService, conditions: Mapping[str, Condition]) -> Iterator[str]:
    workload = conditions.get("WorkloadReady")
    pods = f"-n {service.metadata.namespace} -l net4ai.io/service={service.metadata.name}"
    match workload.reason if workload is not None and workload.status != "True" else "":
        case Reason.IMAGE_PULL_FAILED:
            yield f"Check spec.workload.image and imagePullSecrets: kubectl describe pods {pods}"
        case Reason.CRASH_LOOPING:
            yield f"Read why it ends: kubectl logs {pods} --previous"
        case Reason.PROGRESSING:
            yield f"Watch it start: kubectl get pods {pods} --watch"
        case Reason.QUOTA_EXCEEDED:
            yield f"Raise the quota or free some: kubectl describe resourcequota -n {service.metadata.namespace}"
        case _:
            return
