"""The programs that an embedded cluster runs: one Go module per family, its versions pinned by go.mod and go.sum."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ClusterError

_TOOLS = Path(__file__).parent / "tools"
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

DEFAULT_KUBERNETES = "1.36"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a cold build takes on two cores: minutes from and to, and MiB of disk for Go's caches and the binaries."""

    minutes: tuple[int, int]
    cache_mib: int
    binaries_mib: int


@dataclass(frozen=True, slots=True)
class ToolFamily:
    """Programs built together from one go.mod.

    `commands` maps a program's name to its Go package. `stamps` are Go variables and the values that the linker
    writes into them, where {version}, {number} (without its v), {major} and {minor} stand for the parts of the version.
    `tags` choose what is compiled.
    """

    name: str
    folder: Path
    module: str
    commands: Mapping[str, str]
    stamps: Mapping[str, str]
    cost: Cost
    own_version: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The version of the module that go.mod requires, such as v1.36.3; its own of a program of this project."""
        if self.own_version is not None:
            return self.own_version
        found = re.search(rf"^\s*(?:require )?{re.escape(self.module)} (v\S+)", self._go_mod, re.MULTILINE)
        if found is None:
            raise ClusterError(f"{self.folder / 'go.mod'} does not require {self.module}: run `go get -tool` there")
        return found[1]

    @property
    def go_version(self) -> tuple[int, int]:
        """The least Go that go.mod asks for, as (major, minor)."""
        found = re.search(r"^go (\d+)\.(\d+)", self._go_mod, re.MULTILINE)
        if found is None:
            raise ClusterError(f"{self.folder / 'go.mod'} has no `go` line: run `go mod tidy` there")
        return int(found[1]), int(found[2])

    @property
    def linker_flags(self) -> str:
        """The value of `-ldflags`: no debug information, and the version where the programs report it from."""
        major, minor, *_ = self.version.removeprefix("v").split(".")
        parts = {"version": self.version, "number": self.version.removeprefix("v"), "major": major, "minor": minor}
        written = (f"-X {variable}={value.format(**parts)}" for variable, value in self.stamps.items())
        return " ".join(("-s -w", *written))

    @property
    def key(self) -> str:
        """The name of its folder in the cache; another for each version, platform and set of dependencies."""
        digest = hashlib.sha256()
        sources = [
            file.read_text() for file in (self.folder / "go.sum", *sorted(self.folder.glob("*.go"))) if file.exists()
        ]
        for content in (self._go_mod, *sources, self.linker_flags, str(self.commands), *self.tags):
            digest.update(content.encode())
        return f"{self.name}-{self.version}-{go_platform()}-{digest.hexdigest()[:12]}"

    @property
    def title(self) -> str:
        """Name and version for a reader."""
        return f"{self.name} {self.version}"

    @property
    def _go_mod(self) -> str:
        return (self.folder / "go.mod").read_text()


def go_platform() -> str:
    """Operating system and machine as Go names them, such as linux-amd64."""
    machine = platform.machine()
    return f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"


def kubernetes(minor: str = DEFAULT_KUBERNETES) -> ToolFamily:
    """The control plane of one Kubernetes minor version; ClusterError where this release has no go.mod for it."""
    return _kubernetes(
        "kubernetes", minor, KUBERNETES_PROGRAMS, Cost(minutes=(6, 12), cache_mib=3300, binaries_mib=320)
    )


def kubernetes_node(minor: str = DEFAULT_KUBERNETES) -> ToolFamily:
    """What a real node runs, from the same go.mod; a family of its own, as simulated nodes need none of it."""
    cost = Cost(minutes=(1, 4), cache_mib=600, binaries_mib=130)
    return _kubernetes("kubernetes-node", minor, NODE_PROGRAMS, cost)


def _kubernetes(name: str, minor: str, programs: Sequence[str], cost: Cost) -> ToolFamily:
    folder = _TOOLS / f"kubernetes-{minor}"
    if not folder.is_dir():
        raise ClusterError(f"--kubernetes {minor} is not supported; choose one of: {', '.join(kubernetes_versions())}")
    return ToolFamily(
        name=name,
        folder=folder,
        module="k8s.io/kubernetes",
        commands={program: f"k8s.io/kubernetes/cmd/{program}" for program in programs},
        stamps={f"{package}.{variable}": value for package in _VERSIONED for variable, value in _STAMPS.items()},
        cost=cost,
    )


def etcd() -> ToolFamily:
    """The database below the API server."""
    module = "go.etcd.io/etcd/server/v3"
    return ToolFamily("etcd", _TOOLS / "etcd", module, {"etcd": module}, {}, Cost((1, 2), 500, 25))


def kwok() -> ToolFamily:
    """The simulator of nodes and pods."""
    return ToolFamily(
        name="kwok",
        folder=_TOOLS / "kwok",
        module="sigs.k8s.io/kwok",
        commands={"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
        stamps={"sigs.k8s.io/kwok/pkg/consts.Version": "{version}"},
        cost=Cost((1, 3), 800, 60),
    )


def pause() -> ToolFamily:
    """The process that holds the namespaces of a real node, and of every pod on it; part of this project."""
    folder = _TOOLS / "pause"
    return ToolFamily("pause", folder, "", {"aif-pause": "."}, {}, Cost((1, 1), 100, 2), own_version="v1.0.0")


def helm() -> ToolFamily:
    """The package manager; no part of a cluster, but what the charts are tested with."""
    return ToolFamily(
        name="helm",
        folder=_TOOLS / "helm",
        module="helm.sh/helm/v4",
        commands={"helm": "helm.sh/helm/v4/cmd/helm"},
        stamps={"helm.sh/helm/v4/internal/version.version": "{version}"},
        cost=Cost((3, 8), 1200, 65),
    )


def prometheus() -> ToolFamily:
    """Prometheus and promtool, of all ways to find targets with files and Kubernetes only; without the web interface.

    The interface is a build of its own with Node.js, which the module does not carry; the API is all there.
    """
    module = "github.com/prometheus/prometheus"
    return ToolFamily(
        name="prometheus",
        folder=_TOOLS / "prometheus",
        module=module,
        commands={program: f"{module}/cmd/{program}" for program in ("prometheus", "promtool")},
        stamps={"github.com/prometheus/common/version.Version": "{number}"},
        cost=Cost((3, 8), 900, 190),
        tags=("remove_all_sd", "enable_kubernetes_sd"),
    )


def kubernetes_versions() -> tuple[str, ...]:
    """The Kubernetes minor versions that can be built, oldest first."""
    found = (folder.name.removeprefix("kubernetes-") for folder in _TOOLS.glob("kubernetes-*"))
    return tuple(sorted(found, key=lambda minor: tuple(map(int, minor.split(".")))))


# What `--version` prints, and what clients send as their user agent.
_VERSIONED = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
_STAMPS = {
    "gitVersion": "{version}",
    "gitMajor": "{major}",
    "gitMinor": "{minor}",
    # A module carries no commit; clients put the first seven characters of this into their user agent.
    "gitCommit": "{version}",
    "gitTreeState": "clean",
}
KUBERNETES_PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
NODE_PROGRAMS = ("kubelet", "kube-proxy")
