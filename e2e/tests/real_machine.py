"""Whether this machine can run real nodes, made ready where it can be."""

from __future__ import annotations

import os

import pytest

from cluster.errors import ClusterError
from cluster.real import requirements


def require() -> None:
    """Install what real nodes need where that is possible; leave the tests out, with the reason, where it is not."""
    try:
        requirements.provide(os.environ, print)
    except ClusterError as unfit:
        pytest.skip(f"left out: {unfit}")
