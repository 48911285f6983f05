"""The chart's copy of the operator's rights: what ``manifests/base/rbac.yaml`` grants, without names and subjects."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

SOURCE: Final = Path("manifests/base/rbac.yaml")
COPY: Final = Path("helm/aif-operator/files/rules.yaml")

_ROLES: Final = {
    "cluster": ("ClusterRole", "aif-operator"),
    "services": ("ClusterRole", "aif-operator-services"),
    "election": ("Role", "aif-operator"),
}
"""Kind and name of the role behind each list of rules."""


def rights_files(root: Path) -> dict[Path, str]:
    """Return the text of the chart's rules, by its path; nothing where `root` holds no manifests to copy from."""
    source = root / SOURCE
    return {COPY: rules(source.read_text())} if source.is_file() else {}


def rules(manifest: str) -> str:
    """Return the rules of each role of `manifest` as YAML: those of the cluster, of namespaces, and of the Lease.

    Raises:
        ValueError: A role is missing, or one is there that the chart knows nothing of.
    """
    roles = {
        (document["kind"], document["metadata"]["name"]): document["rules"]
        for document in yaml.safe_load_all(manifest)
        if document["kind"] in {"ClusterRole", "Role"}
    }
    if set(roles) != set(_ROLES.values()):
        raise ValueError(
            f"{SOURCE} holds the roles {sorted(roles)}, the chart {sorted(_ROLES.values())}: name them alike"
        )
    copied: dict[str, Any] = {name: roles[role] for name, role in _ROLES.items()}
    text: str = yaml.safe_dump(copied, sort_keys=False, width=118)
    return f"# Generated from {SOURCE} by `make generate`; do not edit.\n{text}"
