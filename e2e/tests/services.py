"""What a test sees of AIServices and of what the operator makes of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rest import Json, Rest, eventually


@dataclass(frozen=True, slots=True)
class Services:
    """The AIServices of one namespace."""

    rest: Rest
    namespace: str

    def apply(self, document: Json) -> Json:
        """Apply an AIService server-side, as its user."""
        return self.rest.apply("aiservices", document, self.namespace)

    def patch(self, name: str, spec: Json) -> Json:
        """Change the spec of an AIService."""
        return self.rest.patch("aiservices", name, {"spec": spec}, self.namespace)

    def delete(self, name: str) -> None:
        """Delete an AIService."""
        self.rest.delete("aiservices", name, self.namespace)

    def get(self, name: str) -> Json:
        """Return an AIService."""
        found = self.rest.get("aiservices", name, self.namespace)
        assert found is not None, f"there is no AIService {name}"
        return found

    def condition(self, name: str, kind: str) -> Json:
        """Return a condition of an AIService, judged for its present generation."""
        service = self.get(name)
        return condition(service, kind)

    def await_condition(self, name: str, kind: str, status: str, reason: str = "", within_s: float = 30.0) -> Json:
        """Return a condition once it has this status (and reason)."""

        def holds() -> Json:
            told = self.condition(name, kind)
            assert told["status"] == status, f"{kind} is {told}"
            assert reason in ("", told["reason"]), f"{kind} is {told}"
            return told

        return eventually(holds, f"AIService {name} is {kind}={status} {reason}", within_s)

    def await_ready(self, *names: str, within_s: float = 30.0) -> None:
        """Wait until these AIServices answer."""
        for name in names:
            self.await_condition(name, "Ready", "True", within_s=within_s)

    def node_of(self, name: str) -> str:
        """Return the ComputeNode that serves; empty where none does."""
        placements = self.get(name).get("status", {}).get("placements") or [{"node": ""}]
        return str(placements[0]["node"])

    def copies(self, name: str) -> list[Json]:
        """Return the Deployments of an AIService."""
        return self.children("deployments", name)

    def children(self, plural: str, name: str) -> list[Json]:
        """Return the objects of a kind that the operator made for an AIService."""
        return self.rest.list(plural, self.namespace, **{"net4ai.io/service": name})

    def ready_endpoints(self, name: str) -> int:
        """Return how many addresses behind the Service answer."""
        slices = self.rest.list("endpointslices", self.namespace, **{"kubernetes.io/service-name": name})
        endpoints = [endpoint for part in slices for endpoint in part.get("endpoints") or []]
        return sum(endpoint.get("conditions", {}).get("ready") is not False for endpoint in endpoints)

    def events(self, name: str) -> list[str]:
        """Return the reasons of the events on an AIService."""
        listed = self.rest.list("events", self.namespace)
        return [event["reason"] for event in listed if event.get("regarding", {}).get("name") == name]


def condition(document: Json, kind: str) -> Json:
    """Return a condition of an object, judged for its present generation."""
    status = document.get("status", {})
    generation = document["metadata"]["generation"]
    assert status.get("observedGeneration") == generation, f"generation {generation} is not judged yet: {status}"
    found: Json = next((c for c in status["conditions"] if c["type"] == kind), {})
    assert found, f"there is no condition {kind}"
    return found


@contextmanager
def least_endpoints(services: Services, name: str) -> Iterator[list[int]]:
    """Count the ready endpoints of a service all the while; the list that is given ends up with the fewest."""
    seen, over, fewest = list[int](), threading.Event(), list[int]()

    def count() -> None:
        while not over.is_set():
            seen.append(services.ready_endpoints(name))
            time.sleep(0.02)

    counter = threading.Thread(target=count)
    counter.start()
    try:
        yield fewest
    finally:
        over.set()
        counter.join()
        fewest.append(min(seen))
