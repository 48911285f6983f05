"""What real nodes are made from, without making one: descriptions, addresses, files, command lines, images."""

from __future__ import annotations

import ipaddress
import json
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import api, oci, parts
from cluster.api import Cluster
from cluster.build import Binaries
from cluster.choose import Asked
from cluster.errors import ClusterError
from cluster.parts import Options
from cluster.paths import Folders, Layout
from cluster.real import files, network, python_image, registration, requirements
from cluster.real import parts as node_parts
from cluster.real.addresses import BLOCKS, Addresses
from cluster.real.cgroups import Group, Hierarchies
from cluster.real.files import Place
from cluster.real.machine import DEFAULT_NODES, GPU, MOST_NODES, TIER_LABEL, RealNode, bits_per_second, parse_all
from cluster.record import Provider


def a_place(**changes: Any) -> Place:
    place = Place(DEFAULT_NODES[0], 0, Addresses(3), "aif-x/ran-1/pods", False, 2, "overlayfs", "/usr/lib/cni")  # noqa: FBT003 - the order of the fields
    return replace(place, **changes)


def a_group(folder: Path, version: int = 2) -> Group:
    names = ("freezer", "cpu", "cpuacct") if version == 1 else ("unified",)
    for name in names:
        (folder / name / "aif-x").mkdir(parents=True)
    return Group(Hierarchies(version, tuple(folder / name for name in names)), "aif-x")


def test_a_node_is_described_in_a_line() -> None:
    described = parse_all("a:tier=Edge,gpus=2,cpus=0.5,rate=10mbit b:")
    first = RealNode("a", {TIER_LABEL: "Edge"}, {GPU: "2"}, cpus=0.5, rate="10mbit")
    assert described == (first, RealNode("b"))
    assert parse_all("real") == DEFAULT_NODES
    assert parse_all("simulated") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("rael", "write `simulated`, `real`", id="misspelt"),
        pytest.param("A:", "no node name", id="capital"),
        pytest.param("a:colour=red", "key of: tier, gpus, cpus, rate", id="unknown key"),
        pytest.param("a:gpus=half", "no whole number", id="half a GPU"),
        pytest.param("a:cpus=0", "no number of CPUs", id="no CPU"),
        pytest.param("a:cpus=nan", "no number of CPUs", id="not a number"),
        pytest.param("a:rate=fast", "10mbit", id="no rate"),
        pytest.param("a: a:", "one name", id="twins"),
        pytest.param("hub:", "the cluster itself uses", id="reserved"),
        pytest.param(" ".join(f"n{number}:" for number in range(16)), "at most 15", id="too many"),
    ],
)
def test_a_wrong_description_says_what_is_right(text: str, said: str) -> None:
    with pytest.raises(ClusterError, match=said):
        parse_all(text)


@pytest.mark.parametrize(("rate", "bits"), [("500kbit", 500_000), ("1.5mbit", 1_500_000), ("1gbit", 10**9)])
def test_a_rate_is_read_as_tc_writes_it(rate: str, bits: int) -> None:
    assert bits_per_second(rate) == bits
    assert network.burst(rate) * 8 >= bits / 100


def test_no_two_networks_of_any_two_clusters_overlap() -> None:
    networks = [
        ipaddress.IPv4Interface(text).network
        for block in range(BLOCKS)
        for addresses in (Addresses(block),)
        for text in (Addresses.on_link(addresses.machine), *(addresses.pods(node) for node in range(MOST_NODES)))
    ]
    ordered = sorted(networks, key=lambda one: int(one.network_address))
    assert all(int(a.broadcast_address) < int(b.network_address) for a, b in pairwise(ordered))
    assert ordered[0].network_address in ipaddress.ip_network("198.18.0.0/15")
    assert ordered[-1].broadcast_address in ipaddress.ip_network("198.18.0.0/15")


def test_the_scheduler_may_give_away_only_the_cpus_that_a_node_has() -> None:
    assert yaml.safe_load(files.kubelet(a_place(), Options()))["systemReserved"] == {"cpu": "1500m"}
    assert "systemReserved" not in yaml.safe_load(files.kubelet(a_place(node=RealNode("x")), Options()))


def test_a_shorter_grace_makes_the_lease_of_a_real_node_shorter() -> None:
    assert yaml.safe_load(files.kubelet(a_place(), Options(node_grace_s=8)))["nodeLeaseDurationSeconds"] == 8


def test_pods_of_a_node_get_addresses_of_its_own_network() -> None:
    plugin = json.loads(files.pod_network(a_place(number=2)))["plugins"][0]
    assert plugin["ipam"]["ranges"] == [[{"subnet": Addresses(3).pods(2)}]]


def test_the_runtime_keeps_nothing_outside_the_folders_of_its_node() -> None:
    written = [word for word in files.containerd(a_place()).split('"') if word.startswith("/")]
    assert [path for path in written if not path.startswith(("/var/lib/", "/run/", "/usr/lib/cni"))] == []


def test_every_part_of_a_node_enters_the_group_before_anything_else(tmp_path: Path) -> None:
    group = a_group(tmp_path)
    binaries = Binaries({name: Path("/bin") / name for name in node_parts.PROGRAMS})
    made = [
        node_parts.machine("n", tmp_path, binaries, group),
        *(make("n", 7, "198.18.0.10", group, {}) for make in (node_parts.containerd, node_parts.kubelet)),
    ]
    assert all(str(tmp_path / "unified" / "aif-x" / "cgroup.procs") in part.argv[2] for part in made)
    assert {part.name for part in made} == {"n-machine", "n-containerd", "n-kubelet"}


def test_with_real_nodes_the_api_server_listens_for_them_alone() -> None:
    binaries = Binaries({name: Path(name) for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kwok")})
    ports = dict.fromkeys(parts.PORTS, 20000)
    server = parts.apiserver(binaries, Layout(Path("/state")), ports, Options(), "198.18.0.1")
    assert "--bind-address=198.18.0.1" in server.argv
    assert server.health == parts.Health(20000, "/readyz", host="198.18.0.1")


@pytest.mark.parametrize(
    ("version", "written"),
    [
        pytest.param(1, {"cpu/aif-x/cpu.cfs_quota_us": "20000", "freezer/aif-x/freezer.state": "FROZEN"}, id="v1"),
        pytest.param(2, {"unified/aif-x/cpu.max": "20000 100000", "unified/aif-x/cgroup.freeze": "1"}, id="v2"),
    ],
)
def test_a_group_is_slowed_and_frozen(tmp_path: Path, version: int, written: Mapping[str, str]) -> None:
    group = a_group(tmp_path, version)
    group.limit_cpu(0.2)
    group.freeze(frozen=True)
    assert {path: (tmp_path / path).read_text() for path in written} == written


def test_an_image_is_an_oci_layout_whose_digests_hold(tmp_path: Path) -> None:
    layer, target = tmp_path / "layer.tar", tmp_path / "image.tar"
    with tarfile.open(layer, "w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    oci.write(oci.Image("localhost/x:1", [layer], ["/x"], {"A": "b"}, user="65532"), target)
    with tarfile.open(target) as archive:
        content = {name: (archive.extractfile(name) or layer.open("rb")).read() for name in archive.getnames()}
    manifest = json.loads(content[_blob(json.loads(content["index.json"])["manifests"][0])])
    config = json.loads(content[_blob(manifest["config"])])
    assert config["config"]["Env"] == ["A=b"]
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    assert content[_blob(manifest["layers"][0])] == layer.read_bytes()


def _blob(descriptor: Mapping[str, Any]) -> str:
    return f"blobs/sha256/{str(descriptor['digest']).removeprefix('sha256:')}"


def test_the_libraries_of_a_program_are_found_in_what_ldd_prints() -> None:
    said = "\tlinux-vdso.so.1 (0x7ffc)\n\tlibc.so.6 => /lib/x/libc.so.6 (0x7f)\n\t/lib64/ld-linux.so.2 (0x7f)\n"
    assert python_image.linked(said) == {Path("/lib/x/libc.so.6"), Path("/lib64/ld-linux.so.2")}


def test_what_is_missing_is_told_as_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "search_path", lambda _: "")
    monkeypatch.setattr(requirements, "plugin_folder", lambda: None)
    needed = ["containerd", "containernetworking-plugins", "iproute2", "mount", "nftables", "runc", "util-linux"]
    assert requirements.missing({}) == needed


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(ClusterError, match="need root: run the command with sudo"):
        requirements.provide({}, print)


def test_real_nodes_are_refused_beside_a_cluster_of_another_kind(tmp_path: Path) -> None:
    def up() -> Cluster:
        options = Options(real=DEFAULT_NODES)
        return api.up("x", wish=Asked(provider=Provider.KIND), options=options, folders=Folders(tmp_path, tmp_path))

    with pytest.raises(ClusterError, match="--provider embedded"):
        up()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        pytest.param(
            "E1 kubelet: cannot reach the runtime", "b-kubelet is not Ready after", id="what-its-kubelet-says"
        ),
        pytest.param("E1 inotify_init: too many open files", "sysctl -w fs.inotify.max_user_instances", id="watches"),
    ],
)
def test_a_node_that_does_not_come_up_says_why(tmp_path: Path, line: str, told: str) -> None:
    layout = Folders(tmp_path, tmp_path).layout("x")
    layout.logs.mkdir(parents=True)
    layout.log("b-kubelet").write_text(f"I1 starting\n{line}\n")
    error = str(registration.late(layout, ["b", "c"]))
    assert told in error
    assert line in error or "b, c" in error
