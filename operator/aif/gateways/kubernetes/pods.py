"""Pods, ours and all others: what they request of the node that they are bound to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from aif.domain.cluster import COPY_LABEL, JOB_LABEL, ROLE_LABEL, SERVICE_LABEL, Amounts, Pod
from aif.gateways.kubernetes.fields import condition, demanded, moment

ENDED: Final = frozenset({"Succeeded", "Failed"})


def parse_pod(raw: Mapping[str, Any]) -> Pod | None:
    """Return the pod with its effective requests; None once it has ended and holds nothing."""
    metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    if status.get("phase") in ENDED:
        return None
    labels = metadata.get("labels") or {}
    scheduled = condition(raw, "PodScheduled")
    stuck = scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable"
    return Pod(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        node=spec.get("nodeName") or "",
        requests=effective_requests(spec),
        service=labels.get(SERVICE_LABEL, ""),
        copy=labels.get(ROLE_LABEL if JOB_LABEL in labels else COPY_LABEL, ""),
        ready=condition(raw, "Ready").get("status") == "True",
        terminating="deletionTimestamp" in metadata,
        waiting=_waiting(status),
        unschedulable_since=moment(scheduled.get("lastTransitionTime")) if stuck else None,
        job="" if SERVICE_LABEL in labels else labels.get(JOB_LABEL, ""),
        address=(status.get("podIP") or "") if JOB_LABEL in labels else "",
    )


def effective_requests(spec: Mapping[str, Any]) -> Amounts:
    """Return what the scheduler holds for a pod, in base units, by resource.

    The greater of what its containers need together and what its init containers need one after another; an init
    container that restarts always (a sidecar) stays, and counts with all that start after it. Requests of the pod
    as a whole take the place of its containers'. The overhead of its RuntimeClass comes on top.
    """
    sidecars: dict[str, float] = {}
    peak: dict[str, float] = {}
    for container in spec.get("initContainers") or ():
        asked = _requests(container)
        if container.get("restartPolicy") == "Always":
            sidecars = _sum(sidecars, asked)
            peak = _max(peak, sidecars)
        else:
            peak = _max(peak, _sum(sidecars, asked))
    running = sidecars
    for container in spec.get("containers") or ():
        running = _sum(running, _requests(container))
    return _sum({**_max(peak, running), **_requests(spec)}, _amounts(spec.get("overhead")))


def _requests(holder: Mapping[str, Any]) -> dict[str, float]:
    resources = holder.get("resources") or {}
    return _amounts(resources.get("requests"))


def _amounts(raw: Mapping[str, str | int] | None) -> dict[str, float]:
    return {name: demanded(amount) for name, amount in (raw or {}).items()}


def _sum(left: Mapping[str, float], right: Mapping[str, float]) -> dict[str, float]:
    return {name: left.get(name, 0.0) + right.get(name, 0.0) for name in {**left, **right}}


def _max(left: Mapping[str, float], right: Mapping[str, float]) -> dict[str, float]:
    return {name: max(left.get(name, 0.0), right.get(name, 0.0)) for name in {**left, **right}}


def _waiting(status: Mapping[str, Any]) -> str:
    """Return why a container waits, the ordinary start-up left out where another one says more."""
    listed: Iterable[Mapping[str, Any]] = (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    )
    reasons = [((item.get("state") or {}).get("waiting") or {}).get("reason", "") for item in listed]
    return next((reason for reason in reasons if reason not in _STARTING), next(filter(None, reasons), ""))


_STARTING: Final = frozenset({"", "PodInitializing", "ContainerCreating"})
