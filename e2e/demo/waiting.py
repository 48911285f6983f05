"""Waiting until the operator has decided: conditions are watched, and the operator is seen to be alive meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from aif.api.base import API_VERSION
from cluster.errors import ClusterError
from cluster.health import await_fact, last_lines
from cluster.progress import Running
from demo.manifests import Manifest
from demo.objects import Objects
from demo.record import Files

CRD_PATIENCE_S: Final = 60.0
PATIENCE_S: Final = 120.0
_CRD_API: Final = "apiextensions.k8s.io/v1"


def condition(manifest: Manifest, kind: str) -> str:
    """The status of a condition; Unknown where it is absent, or is about an earlier spec."""
    generation = manifest["metadata"].get("generation")
    for one in (manifest.get("status") or {}).get("conditions") or ():
        if one["type"] == kind and one.get("observedGeneration", generation) == generation:
            return str(one["status"])
    return "Unknown"


def is_served(crd: Manifest) -> bool:
    """Whether the API server takes objects of this kind."""
    return condition(crd, "Established") == "True"


def is_settled(service: Manifest) -> bool:
    """Whether the service runs, or the operator has said why it does not."""
    return condition(service, "Ready") == "True" or condition(service, "Placed") == "False"


def is_judged(node: Manifest) -> bool:
    """Whether the operator has said of a ComputeNode if it can serve."""
    return condition(node, "Ready") != "Unknown"


def await_crds(objects: Objects, names: Sequence[str]) -> None:
    """Wait until the API server serves these kinds."""

    def served() -> bool:
        found = {one["metadata"]["name"]: one for one in objects.all(_CRD_API, "CustomResourceDefinition")}
        return all(name in found and is_served(found[name]) for name in names)

    await_fact(served, lambda: ClusterError("the API server does not serve the CRDs: see its log"), CRD_PATIENCE_S)


class Waiting:
    """Waits for objects of one kind, by name, while the operator lives."""

    def __init__(self, objects: Objects, require_alive: Callable[[], None], files: Files) -> None:
        """Read through `objects`; `require_alive` raises where the operator has ended."""
        self._objects = objects
        self._require_alive = require_alive
        self._files = files

    def until(
        self,
        kind: str,
        names: Sequence[str],
        holds: Callable[[Manifest], bool],
        running: Running,
        namespace: str | None = None,
    ) -> None:
        """Wait until `holds` is true of all of them; ClusterError with the operator's last words after two minutes."""
        missing = list(names)

        def fact() -> bool:
            self._require_alive()
            found = self._objects.all(API_VERSION, kind, namespace)
            done = {one["metadata"]["name"] for one in found if holds(one)}
            missing[:] = [name for name in names if name not in done]
            running.advance(len(names) - len(missing), len(names))
            return not missing

        await_fact(fact, lambda: self._late(kind, missing), PATIENCE_S)

    def _late(self, kind: str, missing: Sequence[str]) -> ClusterError:
        quoted = "\n".join(f"    {line}" for line in last_lines(self._files.log))
        return ClusterError(
            f"after {PATIENCE_S:.0f} s there is still no verdict on {kind} {', '.join(missing)}; the operator's last "
            f"log lines:\n{quoted}\n  whole log: {self._files.log}"
        )
