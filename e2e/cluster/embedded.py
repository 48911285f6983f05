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
    known = record.load(folders.layout(name))
    binaries = ensure(families(known.options if known else options), folders, steps)
    if known is not None:
        return _run(known, binaries, folders.layout(name), steps)
    return _start_fresh(name, options, binaries, folders, steps)


def finish(known: ClusterRecord, layout: Layout) -> None:
    """Stop the cluster and remove its data; its logs stay until the next `up` of the same name."""
    stop_parts(known.parts)
    remove_data(layout)


def _start_fresh(name: str, options: Options, binaries: Binaries, folders: Folders, steps: Steps) -> ClusterRecord:
    layout = folders.layout(name)
    attempt = 1
    while True:
        shutil.rmtree(layout.root, ignore_errors=True)
        reserved = _reserve(name, options, binaries, folders)
        _write_credentials(name, layout, reserved.ports)
        try:
            return _run(reserved, binaries, layout, steps)
        except PartDied as error:
            # Nothing was ever stored in it: the next `up` starts afresh, on other ports.
            remove_data(layout)
            if attempt == _PORT_ATTEMPTS or not _port_was_taken(error):
                raise
        attempt += 1


def _run(known: ClusterRecord, binaries: Binaries, layout: Layout, steps: Steps) -> ClusterRecord:
    parts = control_plane(binaries, layout, known.ports, known.options)
    versions = {command: family.version for family in families(known.options) for command in family.commands}
    return start_parts(known, parts, versions, layout, steps)


def _port_was_taken(error: PartDied) -> bool:
    return "address already in use" in error.log.read_text(errors="replace")


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
