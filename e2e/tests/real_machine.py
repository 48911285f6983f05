"""Whether this machine can run real nodes, made ready where it can be."""

from __future__ import annotations

import os

import pytest

from cluster import api
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.errors import ClusterError
from cluster.parts import Options
from cluster.paths import Folders
from cluster.real import requirements
from cluster.record import Provider


def bring_up(name: str, options: Options, folders: Folders) -> Cluster:
    """Start a cluster with real nodes, after installing what it needs where that is possible.

    The tests are left out, with the reason, where the machine cannot be made ready; and in continuous integration also
    where its nodes do not come up: some sandboxes refuse a kubelet only when it is tried.
    """
    try:
        requirements.provide(os.environ, print)
    except ClusterError as unfit:
        pytest.skip(f"left out: {unfit}")
    try:
        return api.up(name, wish=Asked(provider=Provider.EMBEDDED), options=options, folders=folders)
    except ClusterError as error:
        if not os.environ.get("CI"):
            raise
        api.down(name, folders=folders)
        pytest.skip(f"left out: real nodes do not come up on this machine: {error}")
