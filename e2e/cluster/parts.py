"""The command lines of an embedded cluster's parts: pure, from ports, files and options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.build import Binaries
from cluster.paths import AUDIT_POLICY, STAGES, Layout
from cluster.pki import Identity
from cluster.real.machine import RealNode
from cluster.tools import DEFAULT_KUBERNETES

LOOPBACK = "127.0.0.1"
SERVICE_NETWORK = "10.96.0.0/16"
MANAGED_ANNOTATION = "kwok.x-k8s.io/node"
HEARTBEAT_LABEL = "kwok.x-k8s.io/heartbeat"

PORTS = ("etcd", "etcd-peer", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")

# The clients of a cluster's parts, by the user name that the API server and its audit log see. Default client limits
# (20 to 50 requests per second) would hide the speed of everything else.
USERS: Mapping[str, Identity] = {
    "kube-controller-manager": Identity("system:kube-controller-manager"),
    "kube-scheduler": Identity("system:kube-scheduler"),
    "kwok": Identity("system:kwok", groups=("system:masters",)),
    "admin": Identity("admin", groups=("system:masters",)),
}
SERVER = Identity(
    "kube-apiserver",
    hosts=("localhost", "127.0.0.1", "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc"),
)
FRONT_PROXY = Identity("front-proxy-client")
KUBELET_CLIENT = Identity("kube-apiserver-kubelet-client", groups=("system:masters",))
_CLIENT_LIMITS = ("--kube-api-qps=500", "--kube-api-burst=1000")


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose.

    A node without heartbeats is NotReady after `node_grace_s` seconds (Kubernetes' own default: 50), and its pods are
    evicted `eviction_s` seconds later (300). `real` nodes run beside the simulated ones.
    """

    kubernetes: str = DEFAULT_KUBERNETES
    node_grace_s: int = 40
    eviction_s: int = 300
    real: tuple[RealNode, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """Where a part says that it is ready: a path on a port, of 127.0.0.1 but for the parts of real nodes."""

    port: int
    path: str
    tls: bool = True
    host: str = LOOPBACK


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the cluster; one without `health` is ready when it runs.

    `gate`: the next part starts only when this one is ready.
    """

    name: str
    argv: tuple[str, ...]
    health: Health | None
    gate: bool = False


def control_plane(
    binaries: Binaries, layout: Layout, ports: Mapping[str, int], options: Options, address: str = LOOPBACK
) -> tuple[Part, ...]:
    """All parts of a control plane, in the order in which they start; real nodes reach the API server at `address`."""
    return (
        etcd(binaries, layout, ports),
        apiserver(binaries, layout, ports, options, address),
        controller_manager(binaries, layout, ports, options),
        scheduler(binaries, layout, ports),
        kwok(binaries, layout.kubeconfig_of("kwok"), ports, options),
    )


def etcd(binaries: Binaries, layout: Layout, ports: Mapping[str, int]) -> Part:
    """The database; without fsync, as a test cluster need not survive a power cut."""
    client, peer = (f"http://127.0.0.1:{ports[name]}" for name in ("etcd", "etcd-peer"))
    argv = (
        binaries["etcd"],
        f"--data-dir={layout.data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        "--name=etcd",
        f"--initial-cluster=etcd={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    )
    return Part("etcd", argv, Health(ports["etcd"], "/readyz", tls=False), gate=True)


def apiserver(
    binaries: Binaries, layout: Layout, ports: Mapping[str, int], options: Options, address: str = LOOPBACK
) -> Part:
    """The API server, with RBAC, node restriction, Pod Security (on by default) and an audit log."""
    argv = (
        binaries["kube-apiserver"],
        f"--etcd-servers=http://127.0.0.1:{ports['etcd']}",
        f"--bind-address={address}",
        f"--secure-port={ports['kube-apiserver']}",
        f"--advertise-address={address}",
        *(_NOTHING_RUNS if address == LOOPBACK else _towards_nodes(layout)),
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        *_server_certificate(layout),
        f"--client-ca-file={layout.certificates / 'ca.crt'}",
        f"--service-account-key-file={layout.certificates / 'sa.pub'}",
        f"--service-account-signing-key-file={layout.certificates / 'sa.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        *_front_proxy(layout),
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--default-not-ready-toleration-seconds={options.eviction_s}",
        f"--default-unreachable-toleration-seconds={options.eviction_s}",
        f"--audit-policy-file={AUDIT_POLICY}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-maxsize=1024",
        "--audit-log-maxbackup=1",
        "--profiling=false",
    )
    return Part("kube-apiserver", argv, Health(ports["kube-apiserver"], "/readyz", host=address), gate=True)


def controller_manager(binaries: Binaries, layout: Layout, ports: Mapping[str, int], options: Options) -> Part:
    """The controllers, node failure detection among them."""
    argv = (
        binaries["kube-controller-manager"],
        *_client(layout, "kube-controller-manager"),
        *_server_certificate(layout),
        "--bind-address=127.0.0.1",
        f"--secure-port={ports['kube-controller-manager']}",
        f"--service-account-private-key-file={layout.certificates / 'sa.key'}",
        f"--root-ca-file={layout.certificates / 'ca.crt'}",
        f"--cluster-signing-cert-file={layout.certificates / 'ca.crt'}",
        f"--cluster-signing-key-file={layout.certificates / 'ca.key'}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        # Its own choice is a folder of the machine, which it would make where it runs as root.
        f"--flex-volume-plugin-dir={layout.root / 'volumeplugins'}",
        f"--node-monitor-grace-period={options.node_grace_s}s",
        f"--node-monitor-period={max(1, options.node_grace_s // 8)}s",
        *_CLIENT_LIMITS,
        "--profiling=false",
    )
    return Part("kube-controller-manager", argv, Health(ports["kube-controller-manager"], "/healthz"))


def scheduler(binaries: Binaries, layout: Layout, ports: Mapping[str, int]) -> Part:
    """The scheduler of pods to nodes."""
    argv = (
        binaries["kube-scheduler"],
        *_client(layout, "kube-scheduler"),
        *_server_certificate(layout),
        "--bind-address=127.0.0.1",
        f"--secure-port={ports['kube-scheduler']}",
        "--leader-elect=false",
        *_CLIENT_LIMITS,
        "--profiling=false",
    )
    return Part("kube-scheduler", argv, Health(ports["kube-scheduler"], "/readyz"))


def kwok(binaries: Binaries, kubeconfig: Path, ports: Mapping[str, int], options: Options) -> Part:
    """The simulator: nodes annotated `kwok.x-k8s.io/node=fake`, less those whose heartbeat is stopped by label.

    It has no client limit of its own. Leases are renewed every quarter of their duration, well within the grace.
    """
    argv = (
        binaries["kwok"],
        f"--kubeconfig={kubeconfig}",
        *(f"--config={stage}" for stage in sorted(STAGES.glob("*.yaml"))),
        "--manage-all-nodes=false",
        f"--manage-nodes-with-annotation-selector={MANAGED_ANNOTATION}=fake",
        f"--manage-nodes-with-label-selector={HEARTBEAT_LABEL}!=stopped",
        f"--node-lease-duration-seconds={max(4, min(40, options.node_grace_s))}",
        "--node-ip=127.0.0.1",
        "--cidr=10.244.0.0/16",
        f"--server-address=127.0.0.1:{ports['kwok']}",
    )
    return Part("kwok", argv, Health(ports["kwok"], "/healthz", tls=False))


def _client(layout: Layout, user: str) -> tuple[str, ...]:
    file = layout.kubeconfig_of(user)
    return (
        f"--kubeconfig={file}",
        f"--authentication-kubeconfig={file}",
        f"--authorization-kubeconfig={file}",
    )


def _server_certificate(layout: Layout) -> tuple[str, ...]:
    return (
        f"--tls-cert-file={layout.certificates / 'server.crt'}",
        f"--tls-private-key-file={layout.certificates / 'server.key'}",
    )


# Nothing in the cluster runs for real and could use the address; the loopback is no legal endpoint.
_NOTHING_RUNS = ("--endpoint-reconciler-type=none",)


def _towards_nodes(layout: Layout) -> tuple[str, ...]:
    """How the API server reaches kubelets, and webhooks in pods: by their addresses, as it has no kube-proxy."""
    return (
        f"--kubelet-client-certificate={layout.certificates / 'kubelet-client.crt'}",
        f"--kubelet-client-key={layout.certificates / 'kubelet-client.key'}",
        f"--kubelet-certificate-authority={layout.certificates / 'ca.crt'}",
        "--kubelet-preferred-address-types=InternalIP",
        "--enable-aggregator-routing=true",
    )


def _front_proxy(layout: Layout) -> tuple[str, ...]:
    """How the API server vouches for users towards aggregated APIs; parts read its authority from a ConfigMap."""
    return (
        f"--requestheader-client-ca-file={layout.certificates / 'front-proxy-ca.crt'}",
        f"--requestheader-allowed-names={FRONT_PROXY.user}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={layout.certificates / 'front-proxy.crt'}",
        f"--proxy-client-key-file={layout.certificates / 'front-proxy.key'}",
    )
