"""Images of real nodes: they come from files, as there is no registry."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

from cluster import oci
from cluster.build import Binaries
from cluster.errors import ClusterError
from cluster.paths import Layout
from cluster.real.files import PAUSE_IMAGE, SOCKET
from cluster.real.requirements import search_path


def pause(binaries: Binaries, layout: Layout) -> Path:
    """The image of the process that holds a pod's namespaces, written where it is not there yet."""
    target = layout.root / "images" / "pause.tar"
    if not target.exists():
        with tempfile.TemporaryDirectory() as folder:
            layer = Path(folder) / "layer.tar"
            with tarfile.open(layer, "w") as archive:
                archive.add(binaries["aif-pause"], "aif-pause", filter=_owned_by_root)
            oci.write(oci.Image(PAUSE_IMAGE, [layer], ["/aif-pause"], user="65535:65535"), target)
    return target


def load(pid: int, archive: Path, snapshotter: str) -> str:
    """Import an OCI layout or the output of `docker save` into the node of this machine process; what ctr printed."""
    command = ["nsenter", "--target", str(pid), "--mount", "--", "ctr", "--address", SOCKET, "--namespace", "k8s.io"]
    with archive.open("rb") as file:
        done = subprocess.run(
            [*command, "images", "import", "--snapshotter", snapshotter, "-"],
            stdin=file,
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": search_path(os.environ)},
        )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise ClusterError(f"{archive} could not be imported ({reason}): is it an OCI layout or a `docker save`?")
    return done.stdout.strip()


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755
    return entry
