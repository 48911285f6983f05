"""The configuration files of a real node: pure, from its addresses and options.

Paths are those that the node sees: its folder of the cluster's state is its /var/lib, and its /run is in memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from cluster.parts import Options
from cluster.real.addresses import Addresses
from cluster.real.machine import RealNode

PAUSE_IMAGE = "localhost/aif-pause:1"
SOCKET = "/run/containerd/containerd.sock"
KUBELET_HEALTH, KUBE_PROXY_HEALTH, CONTAINERD_METRICS = 10248, 10256, 1338


@dataclass(frozen=True, slots=True)
class Place:
    """A node, its number counted from 0, and what of the machine its files depend on.

    `cgroup`: the group of its pods. `quotas`: whether pods may have a CPU limit of their own below the node's; version
    1 of control groups refuses one above the node's, and with it the pod. `cpus`: those of the machine.
    """

    node: RealNode
    number: int
    addresses: Addresses
    cgroup: str
    quotas: bool
    cpus: int
    snapshotter: str
    plugins: str

    @property
    def address(self) -> str:
        """The node's own address."""
        return self.addresses.node(self.number)


def containerd(place: Place) -> str:
    """The configuration of containerd, version 2, which containerd 2 reads too."""
    return _CONTAINERD.format(
        socket=SOCKET,
        metrics=f"{place.address}:{CONTAINERD_METRICS}",
        pause=PAUSE_IMAGE,
        plugins=place.plugins,
        snapshotter=place.snapshotter,
    )


def pod_network(place: Place) -> str:
    """The CNI configuration: a routed pair of interfaces per pod, addresses of the node's own network."""
    ranges = [[{"subnet": place.addresses.pods(place.number)}]]
    addresses = {"type": "host-local", "ranges": ranges, "dataDir": "/run/cni", "routes": [{"dst": "0.0.0.0/0"}]}
    # Routed, not bridged: answers of a pod on the same node would pass a bridge unseen by kube-proxy's rules.
    plugins = [
        {"type": "ptp", "ipMasq": False, "ipam": addresses},
        {"type": "portmap", "capabilities": {"portMappings": True}},
        {"type": "bandwidth", "capabilities": {"bandwidth": True}},
    ]
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": plugins}, indent=2)


def kubelet(place: Place, options: Options) -> str:
    """The configuration of the kubelet."""
    return _yaml(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": place.address,
            "healthzBindAddress": place.address,
            "healthzPort": KUBELET_HEALTH,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": "/var/lib/pki/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": "/var/lib/pki/kubelet.crt",
            "tlsPrivateKeyFile": "/var/lib/pki/kubelet.key",
            "containerRuntimeEndpoint": f"unix://{SOCKET}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{place.cgroup}",
            "cpuCFSQuota": place.quotas,
            "failCgroupV1": False,
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,
            "podLogsDir": "/var/log/pods",
            "volumePluginDir": "/var/lib/kubelet/volumeplugins",
            "resolvConf": "/var/lib/resolv.conf",
            # No name is known in this cluster: a server that refuses says so at once, none at all is an Event per pod.
            "clusterDNS": ["127.0.0.1"],
            "clusterDomain": "cluster.local",
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            # Images come from no registry: one that was collected would be gone.
            "imageGCHighThresholdPercent": 100,
            "nodeStatusUpdateFrequency": "4s",
            "nodeLeaseDurationSeconds": max(4, min(40, options.node_grace_s)),
            **_reserved(place),
        }
    )


def kube_proxy(addresses: Addresses, host: str, address: str) -> str:
    """The configuration of kube-proxy for the node `host`; it listens on `address`, be that a node's or the hub's."""
    return _yaml(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "clientConnection": {"kubeconfig": "/var/lib/kube-proxy.yaml"},
            "clusterCIDR": addresses.whole,
            "hostnameOverride": host,
            "healthzBindAddress": f"{address}:{KUBE_PROXY_HEALTH}",
            "metricsBindAddress": f"{address}:10249",
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        }
    )


def _reserved(place: Place) -> Mapping[str, Any]:
    """What the scheduler may not give away: the CPUs of the machine that the node does not have."""
    missing = 0.0 if place.node.cpus is None else place.cpus - place.node.cpus
    return {"systemReserved": {"cpu": f"{math.floor(missing * 1000)}m"}} if missing > 0 else {}


def _yaml(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False)


# Without the right CAP_SYS_RESOURCE, as in many containers, containerd may not shelter a process from the OOM killer.
_CONTAINERD = """version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "{socket}"

[metrics]
  address = "{metrics}"

[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "/var/lib/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"""
