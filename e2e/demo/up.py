"""Bring the demo up: cluster, CRDs, nodes, operator, network, services. Doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from kubernetes.client import CoreV1Api

from aif.api.aiservice_status import Placement
from cluster import api, nodes
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.errors import ClusterError, ToolMissing
from cluster.kube import connect
from cluster.paths import Folders
from cluster.process import ProcessIdentity
from cluster.progress import Step, Steps
from cluster.record import Provider
from demo import breach, measuring, running
from demo.manifests import Demo, Manifest, in_namespace
from demo.objects import Objects, identity
from demo.record import DemoRecord, Files, Made, Nodes, load, save
from demo.traffic import SLOWDOWN
from demo.waiting import Waiting, await_crds, is_judged, is_settled

CLUSTER: Final = "aif-demo"
"""Name of the cluster that the demo starts: all that lies in it is the demo's."""

SLOW: Final = 6
"""How many times as long work takes on the node that is slowed down."""

_NAMESPACE: Final = "aif-demo"

CRDS, NODES, MEASURING, OPERATOR, NETWORK, SERVICES = (
    Step("Apply the CRDs", "2 s"),
    Step("Create the nodes", "5 s"),
    Step("Start Prometheus and the traffic", "5 s"),
    Step("Start the operator", "5 s"),
    Step("Apply the network", "5 s"),
    Step("Place the services", "15 s"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The demo as it stands: the cluster, the namespace of its services, and whether their contracts are measured."""

    cluster: Cluster
    namespace: str
    measured: bool = False
    nodes: Nodes = Nodes.SIMULATED


class Builder:
    """Puts the demo into one cluster, and writes down what it makes before it goes on."""

    def __init__(self, cluster: Cluster, record: DemoRecord, files: Files) -> None:
        """Work in `cluster`, beginning from what `record` says was made."""
        self.cluster = cluster
        self.record = record
        self._files = files
        self.objects = Objects(connect(cluster.kubeconfig, cluster.context))
        save(files, record)

    @property
    def namespace(self) -> str:
        """Where the services lie: in a cluster of the demo's own, where kubectl looks first."""
        return "default" if self.cluster.provider is not Provider.GIVEN else _NAMESPACE

    def crds(self, demo: Demo) -> None:
        """Apply the CRDs and the namespaces, and wait until their kinds are served."""
        for name in (running.SYSTEM_NAMESPACE, self.namespace):
            self._apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}], missing_only=True)
        self._apply(demo.crds)
        await_crds(self.objects, [crd["metadata"]["name"] for crd in demo.crds])
        self.objects.refresh()

    def nodes(self, demo: Demo) -> None:
        """Create the simulated nodes that are not there, and wait until they are Ready."""
        for node in demo.nodes:
            self._remember(Made("v1", "Node", node.name))
        try:
            nodes.create(self.cluster, demo.nodes)
        except ClusterError as error:
            if self.cluster.provider is Provider.GIVEN:
                raise ClusterError(
                    f"{error}. The demo's nodes are simulated by kwok: install it in this cluster "
                    "(https://kwok.sigs.k8s.io), or unset KUBECONFIG to let the demo start a cluster of its own"
                ) from error
            raise

    def measuring(self, folders: Folders) -> str:
        """Start Prometheus and the traffic where they do not run; return why not, where no Prometheus can be had."""
        if not measuring.alive(self.record.measuring):
            try:
                found = measuring.start(self.cluster, self.namespace, folders, self._files, self.record.measuring)
            except ToolMissing as error:
                return str(error)
            self.record = replace(self.record, measuring=found)
            save(self._files, self.record)
        return ""

    def operator(self, prometheus: str = "") -> None:
        """Start the operator where it does not run; it asks this Prometheus, or else the one of `measuring`."""
        if not running.is_alive(self.record.operator):
            url = prometheus or (self.record.measuring.url if self.record.measuring is not None else "")
            self.record = replace(self.record, operator=running.start(self.cluster, self._files, url))
            save(self._files, self.record)

    def remember_load(self, load: ProcessIdentity) -> None:
        """Write down what sends requests."""
        self.record = replace(self.record, load=load)
        save(self._files, self.record)

    def network(self, demo: Demo, steps: Steps) -> None:
        """Apply the ComputeNodes, and wait until each is judged, those that register themselves included."""
        with steps.run(NETWORK.title) as at:
            self._apply(demo.compute_nodes)
            self._waiting().until("ComputeNode", demo.computing, is_judged, at)

    def services(self, demo: Demo, steps: Steps) -> None:
        """Apply the services, and wait until each runs or is told why it does not."""
        with steps.run(SERVICES.title) as at:
            self._apply([in_namespace(service, self.namespace) for service in demo.services])
            names = [service["metadata"]["name"] for service in demo.services]
            self._waiting().until("AIService", names, is_settled, at, self.namespace)

    def breach(self, steps: Steps, slow_down: Callable[[Placement], str]) -> None:
        """Break the contract of a service, and see it moved; once is enough."""
        breach.show(breach.Scene(self.objects, self.namespace, slow_down, self._require_alive), steps)

    def slow_down(self, place: Placement) -> str:
        """Let work on a simulated node take longer."""
        client = connect(self.cluster.kubeconfig, self.cluster.context)
        CoreV1Api(client).patch_node(place.node_name, {"metadata": {"annotations": {SLOWDOWN: str(SLOW)}}})
        command = f"kubectl annotate node {place.node_name} {SLOWDOWN}={SLOW}"
        return f"work on {place.node} takes {SLOW} times as long: {command}"

    def _require_alive(self) -> None:
        if self.record.operator is not None:
            running.require_alive(self.record.operator, self._files)

    def _waiting(self) -> Waiting:
        return Waiting(self.objects, self._require_alive, self._files)

    def _apply(self, manifests: Iterable[Manifest], *, missing_only: bool = False) -> None:
        for manifest in manifests:
            if self._remember(identity(manifest)) or not missing_only:
                self.objects.apply(manifest)

    def _remember(self, one: Made) -> bool:
        """Write down that this object is ours, unless it is there already."""
        new = self.objects.get(one) is None
        if new:
            self.record = self.record.with_made(one)
            save(self._files, self.record)
        return new


def up(wish: Asked, demo: Demo, folders: Folders, files: Files, steps: Steps) -> Standing:
    """Bring the demo up, or find it up.

    Raises ClusterError: the cluster does not start, refuses an object, or the operator ends or says nothing.
    """
    known = known_of(files, Nodes.SIMULATED)
    cluster = api.up(CLUSTER, wish=wish, folders=folders, steps=steps)
    steps.extend([CRDS, NODES, MEASURING, OPERATOR, NETWORK, SERVICES, *breach.STEPS])
    builder = Builder(cluster, record_of(known, cluster), files)
    with steps.run(CRDS.title):
        builder.crds(demo)
    with steps.run(NODES.title):
        builder.nodes(demo)
    with steps.run(MEASURING.title):
        missing = builder.measuring(folders)
    with steps.run(OPERATOR.title):
        builder.operator()
    builder.network(demo, steps)
    builder.services(demo, steps)
    if missing:
        steps.say(f"{missing}. Without it nothing is measured, and the demo goes on without a breach")
    else:
        builder.breach(steps, builder.slow_down)
    return Standing(cluster, builder.namespace, measured=not missing)


def known_of(files: Files, wanted: Nodes) -> DemoRecord | None:
    """The record of a demo that is up; ClusterError where its nodes are not those that are wanted."""
    known = load(files)
    if known is not None and known.nodes is not wanted:
        raise ClusterError(f"the demo is up with {known.nodes} nodes: run `make demo-down` first")
    return known


def record_of(known: DemoRecord | None, cluster: Cluster, nodes: Nodes = Nodes.SIMULATED) -> DemoRecord:
    """The record to go on with; one of another cluster must be taken down first."""
    if known is None:
        return DemoRecord(cluster.provider, cluster.kubeconfig, cluster.context, nodes=nodes)
    if (known.kubeconfig, known.context) != (cluster.kubeconfig, cluster.context):
        raise ClusterError("the demo is up in another cluster: run `make demo-down` first")
    return known
