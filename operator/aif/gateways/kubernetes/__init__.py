"""The Kubernetes API server: reflectors, server-side apply, the Lease and Events."""

from __future__ import annotations
