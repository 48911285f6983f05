"""Kubeconfig files of an embedded cluster."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from cluster.pki import KeyPair


def write(path: Path, *, cluster: str, server: str, authority: Path, client: KeyPair) -> None:
    """Write a kubeconfig with one context, named as the cluster; it carries the certificates, so it can be moved."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": cluster,
        "clusters": [
            {"name": cluster, "cluster": {"server": server, "certificate-authority-data": _encoded(authority)}}
        ],
        "users": [
            {
                "name": cluster,
                "user": {
                    "client-certificate-data": _encoded(client.certificate),
                    "client-key-data": _encoded(client.key),
                },
            }
        ],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
