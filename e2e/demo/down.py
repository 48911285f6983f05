"""Take the demo down: what it started ends, what it made goes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cluster import api
from cluster.errors import ClusterError
from cluster.health import await_fact
from cluster.kube import connect
from cluster.paths import Folders
from cluster.progress import Steps
from cluster.record import Provider
from demo import measuring, running
from demo.manifests import Manifest
from demo.objects import Objects
from demo.record import DemoRecord, Files, Made, load
from demo.up import CLUSTER

OPERATOR, OBJECTS, CONTROL_PLANE = "End the operator and what measures", "Delete what the demo made", "End the cluster"
_PATIENCE_S: Final = 60.0
_DEFINITION: Final = "CustomResourceDefinition"


def down(folders: Folders, files: Files, steps: Steps) -> bool:
    """Take down what `up` brought up; False where there is nothing.

    Objects go one by one only in a cluster that was there before: a cluster of the demo's own goes as a whole.
    """
    known = load(files)
    if known is not None:
        with steps.run(OPERATOR):
            running.end(known.load)
            running.end(known.operator)
            measuring.end(known.measuring)
    if known is not None and known.provider is Provider.GIVEN:
        with steps.run(OBJECTS):
            for kept in _delete(known):
                steps.say(f"kept {kept}")
    with steps.run(CONTROL_PLANE):
        ended = api.down(CLUSTER, folders=folders)
    files.record.unlink(missing_ok=True)
    return ended or known is not None


def _delete(known: DemoRecord) -> Iterator[str]:
    """Delete in the reverse order of making, each before the next goes; yield what stays, and why."""
    objects = Objects(connect(known.kubeconfig, known.context))
    for one in reversed(known.made):
        strangers = _strangers(objects, one)
        if strangers:
            yield f"{one.kind} {one.name}: others use it ({', '.join(strangers[:3])})"
        else:
            objects.delete(one)
            _await_gone(objects, one)


def _strangers(objects: Objects, one: Made) -> list[str]:
    """Objects of a kind whose definition is to go: with it they would go too, though others made them."""
    definition: Manifest | None = objects.get(one) if one.kind == _DEFINITION else None
    if definition is None:
        return []
    spec = definition["spec"]
    version = f"{spec['group']}/{spec['versions'][0]['name']}"
    return [item["metadata"]["name"] for item in objects.all(version, spec["names"]["kind"])]


def _await_gone(objects: Objects, one: Made) -> None:
    await_fact(
        lambda: objects.get(one) is None,
        lambda: ClusterError(
            f"{one.kind} {one.name} is not gone after {_PATIENCE_S:.0f} s: look at its finalizers, then run this again"
        ),
        _PATIENCE_S,
    )
