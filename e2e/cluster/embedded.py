"""The embedded cluster: a control plane of plain processes, with simulated nodes, and with real ones on request."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

from cluster import kubeconfig, pki, ports, record
from cluster.build import Binaries, ensure
from cluster.errors import PartDied
from cluster.locks import exclusive
from cluster.parts import FRONT_PROXY, KUBELET_CLIENT, LOOPBACK, PORTS, SERVER, USERS, Options, control_plane
from cluster.paths import Folders, Layout
from cluster.progress import Steps
from cluster.real import folders as node_folders
from cluster.real import requirements, standing
from cluster.real import up as real
from cluster.record import ClusterRecord, Provider
from cluster.supervise import remove_data, start_parts, stop_parts
from cluster.tools import ToolFamily, etcd, kubernetes, kubernetes_node, kwok, pause

_PORT_ATTEMPTS = 3


def families(options: Options) -> tuple[ToolFamily, ...]:
    """The tool families that this cluster runs."""
    simulated = (etcd(), kubernetes(options.kubernetes), kwok())
    return (*simulated, kubernetes_node(options.kubernetes), pause()) if options.real else simulated


def start(name: str, options: Options, folders: Folders, steps: Steps) -> ClusterRecord:
    """Bring the cluster up, or back up with its data where parts of it ended; the caller holds its lock.

    PartDied where a part does not come up; what this call started is stopped then.
    """
    layout = folders.layout(name)
    known = record.load(layout)
    if (known.options if known else options).real:
        requirements.provide(os.environ, steps.say)
    binaries = ensure(families(known.options if known else options), folders, steps)
    # The kubeconfig is the last file of the preparation: without it an `up` was cut short before anything ran.
    if known is not None and layout.kubeconfig.exists():
        return _run(known, binaries, layout, steps)
    return _start_fresh(name, options, binaries, folders, steps)


def finish(known: ClusterRecord, layout: Layout) -> None:
    """Stop the cluster and remove its data; its logs stay until the next `up` of the same name."""
    if known.options.real:
        # All at once, as by a power cut: what is in the namespaces goes with them, and the data are removed.
        standing.raze(known, layout)
    stop_parts(known.parts)
    remove_data(layout)


def _start_fresh(name: str, options: Options, binaries: Binaries, folders: Folders, steps: Steps) -> ClusterRecord:
    layout = folders.layout(name)
    for _ in range(_PORT_ATTEMPTS - 1):
        try:
            return _attempt(name, options, binaries, folders, steps)
        except PartDied as error:
            if not _port_was_taken(error, layout):
                raise
    return _attempt(name, options, binaries, folders, steps)


def _attempt(name: str, options: Options, binaries: Binaries, folders: Folders, steps: Steps) -> ClusterRecord:
    """One start from nothing to a cluster that answers; where it fails nothing but the logs is left."""
    layout = folders.layout(name)
    earlier = record.load(layout)
    if earlier is not None:
        finish(earlier, layout)
    shutil.rmtree(layout.root, ignore_errors=True)
    reserved = _reserve(name, options, binaries, folders)
    try:
        if options.real:
            reserved = real.ensure_network(reserved, binaries, layout, steps)
        _write_credentials(reserved, layout)
        return _run(reserved, binaries, layout, steps)
    except BaseException:
        finish(record.load(layout) or reserved, layout)
        raise


def _run(known: ClusterRecord, binaries: Binaries, layout: Layout, steps: Steps) -> ClusterRecord:
    versions = {command: family.version for family in families(known.options) for command in family.commands}
    parts = control_plane(binaries, layout, known.ports, known.options, _address(known))
    if not known.options.real:
        return start_parts(known, parts, versions, layout, steps)
    known = real.ensure_network(known, binaries, layout, steps)
    known = start_parts(known, real.in_group(layout, parts), versions, layout, steps)
    return real.start_nodes(known, binaries, layout, steps)


def _address(known: ClusterRecord) -> str:
    """Where the API server listens: beyond the loopback only where there are real nodes, and then for them alone."""
    return standing.addresses_of(known).machine if known.options.real else LOOPBACK


def _port_was_taken(error: PartDied, layout: Layout) -> bool:
    """Another program may take a port between our choice and the part's start."""
    return "address already in use" in layout.log(error.part).read_text(errors="replace")


def _reserve(name: str, options: Options, binaries: Binaries, folders: Folders) -> ClusterRecord:
    with exclusive(folders.ports_lock):
        chosen = ports.choose(PORTS, record.taken_ports(folders))
        fresh = ClusterRecord(name, Provider.EMBEDDED, options, chosen, binaries.paths["kubectl"], context=name)
        record.save(folders.layout(name), fresh)
    return fresh


def _write_credentials(known: ClusterRecord, layout: Layout) -> None:
    authority, address = pki.create_authority(layout.certificates), _address(known)
    pki.create_signing_key(layout.certificates)
    authority.issue(replace(SERVER, hosts=tuple(dict.fromkeys((*SERVER.hosts, address)))), "server")
    pki.create_authority(layout.certificates, "front-proxy-ca").issue(FRONT_PROXY, "front-proxy")
    server = f"https://{address}:{known.ports['kube-apiserver']}"
    if known.options.real:
        authority.issue(KUBELET_CLIENT, "kubelet-client")
        node_folders.write_credentials(authority, server, layout, standing.addresses_of(known), known.options)
    for user, identity in USERS.items():
        pair = authority.issue(identity, user)
        kubeconfig.write(
            layout.kubeconfig_of(user), cluster=known.name, server=server, authority=authority.file, client=pair
        )
