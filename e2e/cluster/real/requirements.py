"""What a machine needs for real nodes, and where it comes from: the PATH, else Debian's packages.

Why no Go modules here: docs/decisions, 0009.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from cluster.errors import ClusterError, ToolMissing
from cluster.process import run
from cluster.real.cgroups import Hierarchies

PACKAGES: Mapping[str, str] = {
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "ip": "iproute2",
    "tc": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
}
"""The Debian package of each program that must be on the PATH."""

_PLUGINS = ("ptp", "host-local", "portmap", "bandwidth", "loopback")
_PLUGIN_PACKAGE = "containernetworking-plugins"
_PLUGIN_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni")


def search_path(environ: Mapping[str, str]) -> str:
    """The PATH with the folders of the administrator's programs, which some users' lack."""
    return os.pathsep.join((environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))


def plugin_folder() -> str | None:
    """Where the CNI plug-ins lie; None where no known folder has all of them."""
    return next((folder for folder in _PLUGIN_FOLDERS if all(Path(folder, name).exists() for name in _PLUGINS)), None)


def problem(environ: Mapping[str, str] = os.environ) -> str | None:
    """Why this machine cannot run real nodes, nor can be made to by apt-get; None where it can."""
    if not sys.platform.startswith("linux"):
        return f"real nodes need Linux, this is {sys.platform}"
    if os.geteuid() != 0:
        return "real nodes need root: run the command with sudo, or use simulated nodes"
    packages = missing(environ)
    if packages and shutil.which("apt-get", path=search_path(environ)) is None:
        return f"real nodes need more programs; install what Debian packages as: {' '.join(packages)}"
    return _problem_of_the_kernel()


def _problem_of_the_kernel() -> str | None:
    """Which of groups and namespaces cannot be made here; None where all can."""
    try:
        root = Hierarchies.of_this_machine().members
    except ClusterError as error:
        return str(error)
    if not os.access(root, os.W_OK):
        return f"real nodes need control groups, and {root} is read-only here"
    if shutil.which("unshare") is None:
        return None  # it comes with the packages that are installed first
    made = run(["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "true"])
    return None if made.code == 0 else f"real nodes need namespaces of their own: {made.errors.strip()}"


def missing(environ: Mapping[str, str]) -> list[str]:
    """The Debian packages of what is not there."""
    found = search_path(environ)
    packages = {package for program, package in PACKAGES.items() if shutil.which(program, path=found) is None}
    return sorted(packages | (set() if plugin_folder() else {_PLUGIN_PACKAGE}))


def provide(environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Install what is missing where the machine has apt-get, and say so; ClusterError says what to do elsewhere."""
    unfit = problem(environ)
    if unfit is not None:
        raise ClusterError(unfit)
    packages = missing(environ)
    if not packages:
        return
    say(f"Installing Debian packages with apt-get: {' '.join(packages)}")
    _install(packages, environ)
    left = missing(environ)
    if left:
        raise ToolMissing(f"these packages lack programs that real nodes need: {' '.join(left)}")


def _install(packages: list[str], environ: Mapping[str, str]) -> None:
    quiet = {**environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    outcome = run(command, env=quiet)
    if outcome.code != 0:
        run(["apt-get", "update"], env=quiet)
        outcome = run(command, env=quiet)
    if outcome.code != 0:
        reason = (outcome.errors.strip().splitlines() or ["no output"])[-1]
        raise ToolMissing(f"apt-get could not install {' '.join(packages)} ({reason}): install them, then run again")
