"""The operator's own account in the cluster, with exactly the rights of manifests/base/rbac.yaml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import yaml
from documents import ROOT
from kubectl import Kubectl

BASE: Final = ROOT / "manifests" / "base"
NAMESPACE: Final = "aif-system"
ACCOUNT: Final = "aif-operator"
USER: Final = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
_TOKEN_LIFE: Final = "3h"


def install_kinds(kubectl: Kubectl, tree: Path = ROOT) -> None:
    """Install the CustomResourceDefinitions of a release, and wait until they are served."""
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(tree / "crds"))
    kubectl.await_kinds("-f", str(tree / "crds"))


def install(kubectl: Kubectl, tree: Path = ROOT) -> None:
    """Give the operator its namespace, account and rights, as an installation of a release does."""
    for name in ("namespace.yaml", "rbac.yaml"):
        kubectl("apply", "--server-side", "--force-conflicts", "-f", str(tree / "manifests" / "base" / name))


def write_kubeconfig(kubectl: Kubectl, path: Path) -> Path:
    """Write a kubeconfig with a token of its own for one replica, so that the audit log tells replicas apart."""
    known: Any = yaml.safe_load(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "yaml"))
    token = kubectl("create", "token", ACCOUNT, "--namespace", NAMESPACE, "--duration", _TOKEN_LIFE).strip()
    content = {
        **known,
        "users": [{"name": ACCOUNT, "user": {"token": token}}],
        "contexts": [{"name": ACCOUNT, "context": {"cluster": known["clusters"][0]["name"], "user": ACCOUNT}}],
        "current-context": ACCOUNT,
    }
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        yaml.safe_dump(content, file)
    return path
