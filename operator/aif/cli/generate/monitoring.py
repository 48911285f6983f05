"""The recording rules as an object for the Prometheus operator, made from the file that Prometheus itself reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

SOURCE: Final = Path("manifests/monitoring/recording.yaml")
COPY: Final = Path("manifests/monitoring/prometheusrule.yaml")


def monitoring_files(root: Path) -> dict[Path, str]:
    """Return the text of the PrometheusRule, by its path; nothing where `root` holds no rules to copy from."""
    source = root / SOURCE
    return {COPY: prometheus_rule(source.read_text())} if source.is_file() else {}


def prometheus_rule(rules: str) -> str:
    """Return the PrometheusRule with the groups of a file of rules."""
    content: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "aif-recording", "labels": {"app.kubernetes.io/part-of": "aif-operator"}},
        "spec": {"groups": yaml.safe_load(rules)["groups"]},
    }
    text: str = yaml.safe_dump(content, sort_keys=False, width=118)
    return f"# Generated from {SOURCE} by `make generate`; do not edit.\n{text}"
