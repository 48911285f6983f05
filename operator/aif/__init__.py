"""A Kubernetes operator that places AI services on the nodes of a computing-power network, and says why."""

from __future__ import annotations

__version__ = "0.1.0"
