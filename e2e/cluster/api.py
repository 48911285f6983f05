"""Clusters from Python: `up`, `down`, `find`, `inspect`."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from cluster import choose, embedded, kind, record
from cluster.choose import Asked
from cluster.errors import ClusterError
from cluster.locks import exclusive
from cluster.parts import Options
from cluster.paths import Folders
from cluster.process import find as find_process
from cluster.progress import Steps
from cluster.record import ClusterRecord, PartRecord, Provider

DEFAULT_NAME = "aif"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster to work with.

    `kubeconfig` is what KUBECONFIG may hold (None: the client's default). Only an embedded cluster has an `audit_log`,
    a JSON object per line; one that the user gave has no `state` folder and no `parts`, as nothing was started.
    """

    name: str
    provider: Provider
    kubeconfig: str | None
    context: str | None
    kubectl: Path | None
    state: Path | None = None
    audit_log: Path | None = None
    parts: tuple[PartRecord, ...] = ()

    def part(self, name: str) -> PartRecord:
        """The part of this name; KeyError where the cluster has none."""
        return {part.name: part for part in self.parts}[name]


def up(
    name: str = DEFAULT_NAME,
    *,
    wish: Asked | None = None,
    options: Options | None = None,
    folders: Folders | None = None,
    steps: Steps | None = None,
) -> Cluster:
    """A cluster that answers: found running, started, or named by the user and only looked at.

    Two calls for one name at once: the second waits for the first and finds its cluster. Without `steps` nothing is
    printed. Raises ClusterError: ToolMissing, BuildFailed, PartDied.
    """
    place = folders or Folders.of(os.environ)
    wanted = wish or choose.asked(os.environ, None, None, None)
    if _is_given(wanted, name, place):
        return given(wanted)
    quiet = steps or Steps(Console(quiet=True))
    layout = place.layout(name)
    with exclusive(place.lock(name), on_wait=lambda: quiet.say(f"Another command works on cluster {name!r}; waiting")):
        known = record.load(layout)
        _require_same_options(known, options, name)
        provider = known.provider if known else choose.choose(wanted, kind.is_present)
        _require_embedded(provider, options)
        start = kind.start if provider is Provider.KIND else embedded.start
        return _cluster(start(name, options or Options(), place, quiet), place)


def given(wish: Asked) -> Cluster:
    """The cluster that the user named; ClusterError where it does not answer. Nothing in it is touched."""
    from cluster.kube import connect, server_version  # noqa: PLC0415 - the client takes a second to load

    server_version(connect(wish.kubeconfig, wish.context))
    kubectl = shutil.which("kubectl")
    return Cluster("given", Provider.GIVEN, wish.kubeconfig, wish.context, Path(kubectl) if kubectl else None)


def down(name: str = DEFAULT_NAME, *, folders: Folders | None = None) -> bool:
    """End just what `up` started under this name; False where it started nothing."""
    place = folders or Folders.of(os.environ)
    layout = place.layout(name)
    with exclusive(place.lock(name)):
        known = record.load(layout)
        if known is None:
            return False
        finish = kind.finish if known.provider is Provider.KIND else embedded.finish
        finish(known, layout)
    return True


def find(name: str = DEFAULT_NAME, *, folders: Folders | None = None) -> Cluster | None:
    """The cluster that `up` started under this name, running or not; None where there is none."""
    place = folders or Folders.of(os.environ)
    known = record.load(place.layout(name))
    return None if known is None else _cluster(known, place)


def runs(cluster: Cluster) -> bool:
    """Whether every process of the cluster is alive."""
    return all(find_process(part.identity) is not None for part in cluster.parts)


def _cluster(known: ClusterRecord, folders: Folders) -> Cluster:
    layout = folders.layout(known.name)
    return Cluster(
        name=known.name,
        provider=known.provider,
        kubeconfig=str(layout.kubeconfig),
        context=known.context,
        kubectl=known.kubectl,
        state=layout.root,
        audit_log=layout.audit_log if known.provider is Provider.EMBEDDED else None,
        parts=known.parts,
    )


def _is_given(wish: Asked, name: str, folders: Folders) -> bool:
    """A KUBECONFIG that is our own cluster's, as `cluster env` sets it, still means that cluster."""
    own = str(folders.layout(name).kubeconfig)
    if wish.kubeconfig == own and wish.context is None:
        return False
    return wish.provider is Provider.GIVEN or wish.names_a_cluster


def _require_embedded(provider: Provider, options: Options | None) -> None:
    if options is not None and options.real and provider is not Provider.EMBEDDED:
        raise ClusterError(f"real nodes run beside the embedded cluster only, not with {provider}: --provider embedded")


def _nodes_of(options: Options) -> str:
    names = ", ".join(node.name for node in options.real)
    return f"the real nodes {names}" if names else "simulated nodes only"


def _require_same_options(known: ClusterRecord | None, options: Options | None, name: str) -> None:
    if known is not None and options is not None and options != known.options:
        have = known.options
        raise ClusterError(
            f"cluster {name!r} was started with --kubernetes {have.kubernetes} --node-grace {have.node_grace_s} "
            f"--eviction {have.eviction_s} and {_nodes_of(have)}: run `python -m cluster down --name {name}` first, "
            "or choose another --name"
        )
