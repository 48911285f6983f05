"""Where a local cluster keeps its files, after the XDG base directories."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ClusterError

PACKAGE = Path(__file__).parent
STAGES = PACKAGE / "stages"
AUDIT_POLICY = PACKAGE / "policies" / "audit.yaml"
KIND_CONFIG = PACKAGE.parent / "kind.yaml"

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Folders:
    """The user's cache (binaries, Go) and state (clusters) folders of this project."""

    cache: Path
    state: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Folders:
        """The folders that the environment names: XDG_CACHE_HOME, XDG_STATE_HOME, else below HOME."""
        home = Path(environ.get("HOME") or Path.home())
        cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
        state = Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state")
        return cls(cache=cache / "aif-operator", state=state / "aif-operator")

    @property
    def binaries(self) -> Path:
        """One folder per tool family, version and platform."""
        return self.cache / "bin"

    @property
    def go(self) -> Path:
        """A Go toolchain where the PATH has none, with its modules and build cache."""
        return self.cache / "go"

    @property
    def clusters(self) -> Path:
        """One folder per cluster."""
        return self.state / "clusters"

    def layout(self, name: str) -> Layout:
        """The files of the cluster `name`; ClusterError where the name could not be a folder's and a node's."""
        if not _NAME.fullmatch(name):
            raise ClusterError(
                f"--name {name!r} is no cluster name: use 1 to 40 of a-z, 0-9 and '-', with '-' neither first nor last"
            )
        return Layout(self.clusters / name)

    def lock(self, name: str) -> Path:
        """The lock of the cluster `name`; outside its folder, which `down` removes."""
        return self.clusters / f".{name}.lock"

    @property
    def ports_lock(self) -> Path:
        """The lock under which clusters choose their ports."""
        return self.clusters / ".ports.lock"


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one cluster."""

    root: Path

    @property
    def record(self) -> Path:
        """What `up` started: ports, process ids, versions."""
        return self.root / "cluster.json"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "kubeconfig.yaml"

    @property
    def certificates(self) -> Path:
        """Authority, certificates and keys."""
        return self.root / "pki"

    def kubeconfig_of(self, user: str) -> Path:
        """The kubeconfig of a client of the API server; the administrator's is the one for users."""
        return self.kubeconfig if user == "admin" else self.root / "credentials" / f"{user}.yaml"

    @property
    def data(self) -> Path:
        """The database of etcd."""
        return self.root / "etcd"

    @property
    def logs(self) -> Path:
        """A log per part; kept by `down` until the next `up`."""
        return self.root / "logs"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log, a JSON object per line."""
        return self.logs / "audit.jsonl"

    def log(self, part: str) -> Path:
        """The log of one part."""
        return self.logs / f"{part}.log"
