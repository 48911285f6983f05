"""What became of all services: which are decided, which are placed, and which children they have."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rest import Json, NotYet, Rest, path_of

SERVICE: Final = "net4ai.io/service"
CHILDREN: Final = ("deployments", "services", "poddisruptionbudgets")
_PAUSE_S: Final = 3.0
_STILL: Final = 3
"""So many equal looks in a row are rest."""


@dataclass(frozen=True, slots=True)
class End:
    """The services at rest.

    `waiting` are those that have no place, each with what its condition Placed says; `undecided` should be empty.
    """

    placed: frozenset[str]
    waiting: Mapping[str, str]
    undecided: frozenset[str]
    roles: Mapping[tuple[str, str], int]
    orphans: frozenset[str]
    misplaced: frozenset[str]

    @property
    def duplicates(self) -> frozenset[str]:
        """Services and budgets of which a service has two."""
        return frozenset(
            f"{kind} of {name}" for (name, kind), n in self.roles.items() if kind != "deployments" and n > 1
        )


def key(document: Json) -> str:
    """Return namespace and name."""
    return f"{document['metadata']['namespace']}/{document['metadata']['name']}"


def told(service: Json, kind: str) -> Json:
    """Return a condition of a service; empty where it has none."""
    found: Json = next((c for c in service.get("status", {}).get("conditions", ()) if c["type"] == kind), {})
    return found


def is_decided(service: Json) -> bool:
    """Tell whether the operator has judged this spec: it runs, or its condition says why it does not."""
    judged = service.get("status", {}).get("observedGeneration") == service["metadata"]["generation"]
    waits = told(service, "Placed").get("status") == "False" and bool(told(service, "Placed").get("message"))
    return judged and (told(service, "Ready").get("status") == "True" or waits)


def await_rest(rest: Rest, within_s: float, report: Callable[[int, int], None] = lambda _, __: None) -> End:
    """Return the end once all services are decided and nothing has changed for some looks.

    Raises:
        NotYet: It did not come to rest in time; the error names who was not decided.
    """
    end, before, still = time.monotonic() + within_s, None, 0
    while time.monotonic() < end:
        services = _cached(rest)
        decided = sum(map(is_decided, services))
        report(decided, len(services))
        now = {key(each): each["metadata"]["resourceVersion"] for each in services}
        still = still + 1 if now == before and decided == len(services) else 0
        if still >= _STILL:
            return look(rest)
        before = now
        time.sleep(_PAUSE_S)
    open_ = sorted((key(each), _plight(each)) for each in rest.list("aiservices") if not is_decided(each))
    first = "; ".join(f"{name} ({why})" for name, why in open_[:5])
    raise NotYet(f"not at rest within {within_s:.0f} s; {len(open_)} are not decided: {first}")


def _plight(service: Json) -> str:
    """Return what the conditions of a service say that is not as it should be, and where its copies are."""
    status = service.get("status", {})
    conditions = [f"{c['type']}={c['status']} {c['reason']}" for c in status.get("conditions", ())]
    nodes = [place["nodeName"] for place in status.get("placements", ())]
    seen, now = status.get("observedGeneration"), service["metadata"]["generation"]
    return ", ".join([f"generation {seen} of {now} judged", f"on {nodes}", *conditions])


def _cached(rest: Rest) -> list[Json]:
    """Return all AIServices from the API server's cache: a thousand of them are a load for its database."""
    return list(rest.send("GET", path_of("aiservices"), resourceVersion="0")["items"])


def look(rest: Rest) -> End:
    """Return what there is now."""
    services = {key(each): each for each in rest.list("aiservices")}
    children = [
        (kind, each)
        for kind in CHILDREN
        for each in rest.list(kind, **{"app.kubernetes.io/managed-by": "aif-operator"})
    ]
    uids = {each["metadata"]["uid"] for each in services.values()}
    placed = {name for name, each in services.items() if told(each, "Placed").get("status") == "True"}
    return End(
        placed=frozenset(placed),
        waiting={name: told(services[name], "Placed").get("message", "") for name in services.keys() - placed},
        undecided=frozenset(name for name, each in services.items() if not is_decided(each)),
        roles=Counter((_owner(child), kind) for kind, child in children),
        orphans=frozenset(f"{kind} {key(child)}" for kind, child in children if _uid(child) not in uids),
        misplaced=frozenset(_misplaced(rest, services)),
    )


def _misplaced(rest: Rest, services: Mapping[str, Json]) -> list[str]:
    """Return the ready pods that stand where the status of their service does not say."""
    wrong = []
    for pod in rest.list("pods"):
        labels, node = pod["metadata"].get("labels", {}), pod["spec"].get("nodeName")
        service = services.get(f"{pod['metadata']['namespace']}/{labels.get(SERVICE, '')}")
        if service is not None and node and "deletionTimestamp" not in pod["metadata"]:
            nodes = {place["nodeName"] for place in service["status"].get("placements", ())}
            wrong += [] if node in nodes else [f"{key(pod)} on {node}, not on {', '.join(sorted(nodes))}"]
    return wrong


def _owner(child: Json) -> str:
    return f"{child['metadata']['namespace']}/{child['metadata']['labels'].get(SERVICE, '?')}"


def _uid(child: Json) -> Any:  # noqa: ANN401 - whatever the API server says
    return next((owner["uid"] for owner in child["metadata"].get("ownerReferences", ())), None)
