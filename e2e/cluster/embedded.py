"""The embedded cluster: a control plane of plain processes on 127.0.0.1, with simulated nodes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from cluster import kubeconfig, pki, ports, record
from cluster.build import Binaries, ensure
from cluster.errors import PartDied
from cluster.locks import exclusive
from cluster.parts import FRONT_PROXY, PORTS, SERVER, USERS, Options, control_plane
from cluster.paths import Folders, Layout
from cluster.progress import Steps
from cluster.record import ClusterRecord, Provider
from cluster.supervise import remove_data, start_parts, stop_parts
from cluster.tools import ToolFamily, etcd, kubernetes, kwok

_PORT_ATTEMPTS = 3


def families(options: Options) -> tuple[ToolFamily, ...]:
    """The tool families that this cluster runs."""
    return (etcd(), kubernetes(options.kubernetes), kwok())


def start(name: str, options: Options, folders: Folders, steps: Steps) -> ClusterRecord:
    """Bring the cluster up, or back up with its data where parts of it ended; the caller holds its lock.

    PartDied where a part does not come up; what this call started is stopped then.
    """
    layout = folders.layout(name)
    known = record.load(layout)
    binaries = ensure(families(known.options if known else options), folders, steps)
    # The kubeconfig is the last file of the preparation: without it an `up` was cut short before anything ran.
    if known is not None and layout.kubeconfig.exists():
        return _run(known, binaries, layout, steps)
    return _start_fresh(name, options, binaries, folders, steps)


def finish(known: ClusterRecord, layout: Layout) -> None:
    """Stop the cluster and remove its data; its logs stay until the next `up` of the same name."""
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
    shutil.rmtree(layout.root, ignore_errors=True)
    try:
        reserved = _reserve(name, options, binaries, folders)
        _write_credentials(name, layout, reserved.ports)
        return _run(reserved, binaries, layout, steps)
    except BaseException:
        remove_data(layout)
        raise


def _run(known: ClusterRecord, binaries: Binaries, layout: Layout, steps: Steps) -> ClusterRecord:
    parts = control_plane(binaries, layout, known.ports, known.options)
    versions = {command: family.version for family in families(known.options) for command in family.commands}
    return start_parts(known, parts, versions, layout, steps)


def _port_was_taken(error: PartDied, layout: Layout) -> bool:
    """Another program may take a port between our choice and the part's start."""
    return "address already in use" in layout.log(error.part).read_text(errors="replace")


def _reserve(name: str, options: Options, binaries: Binaries, folders: Folders) -> ClusterRecord:
    with exclusive(folders.ports_lock):
        chosen = ports.choose(PORTS, record.taken_ports(folders))
        fresh = ClusterRecord(name, Provider.EMBEDDED, options, chosen, binaries.paths["kubectl"], context=name)
        record.save(folders.layout(name), fresh)
    return fresh


def _write_credentials(name: str, layout: Layout, chosen: Mapping[str, int]) -> None:
    authority = pki.create_authority(layout.certificates)
    pki.create_signing_key(layout.certificates)
    authority.issue(SERVER, "server")
    pki.create_authority(layout.certificates, "front-proxy-ca").issue(FRONT_PROXY, "front-proxy")
    server = f"https://127.0.0.1:{chosen['kube-apiserver']}"
    for user, identity in USERS.items():
        pair = authority.issue(identity, user)
        kubeconfig.write(layout.kubeconfig_of(user), cluster=name, server=server, authority=authority.file, client=pair)
