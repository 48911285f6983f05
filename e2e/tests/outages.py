"""Parts of an embedded cluster that stop, and are started again with their data."""

from __future__ import annotations

import signal
from typing import Final

import psutil

from cluster import api
from cluster.api import Cluster
from cluster.paths import Folders
from cluster.process import find

API_SERVER: Final = "kube-apiserver"
_GONE_S: Final = 10.0


def process_of(cluster: Cluster, part: str, folders: Folders | None = None) -> psutil.Process | None:
    """Return the process of a part; None where the cluster has no parts of its own."""
    known = api.find(cluster.name, folders=folders)  # as it is now: a part that was started again is another process
    if known is None or not known.parts:
        return None
    found = find(known.part(part).identity)
    assert found is not None, f"{part} does not run"
    return found


def kill(cluster: Cluster, part: str, folders: Folders | None = None) -> None:
    """End a part hard."""
    process = process_of(cluster, part, folders)
    assert process is not None, f"only the parts of an embedded cluster can be stopped, such as {part}"
    process.send_signal(signal.SIGKILL)
    process.wait(_GONE_S)
