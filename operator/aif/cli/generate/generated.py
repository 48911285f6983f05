"""What is made of the models: written, or checked that it is up to date."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from aif.api.crd import custom_resource_definition
from aif.api.kinds import KINDS, Kind
from aif.api.reference import api_reference
from aif.cli.generate.monitoring import monitoring_files
from aif.cli.generate.rights import rights_files
from aif.planning.models.tables import NAMES, derived, text_of

_HEADER = "# Generated from operator/aif/api by `make generate`; do not edit.\n"
_KEEP = {"argocd.argoproj.io/sync-options": "Prune=false", "helm.sh/resource-policy": "keep"}
"""Argo CD and Helm leave the CRDs, and with them all AIServices, where a chart is taken away."""


def generated_files() -> dict[Path, str]:
    """Return the text of every generated file, by its path below the root of the repository."""
    files = {Path("docs/reference/api.md"): f"<!-- {_HEADER[2:].strip()} -->\n\n{api_reference(KINDS)}"}
    for kind in KINDS:
        files[Path("crds") / f"{kind.crd_name}.yaml"] = _manifest(kind, {})
        files[Path("helm/aif-operator-crds/templates") / f"{kind.crd_name}.yaml"] = _manifest(kind, _KEEP)
    return files


def table_files() -> dict[Path, str]:
    """Return the tables of the models that the planner knows by name, by their path below the root."""
    return {Path("operator/aif/planning/models/tables") / f"{name}.json": text_of(derived(name)) for name in NAMES}


def outdated(root: Path, files: Mapping[Path, str]) -> list[Path]:
    """Return the paths of `files` whose text below `root` is another, or that are missing there."""
    return [path for path, text in files.items() if not (root / path).is_file() or (root / path).read_text() != text]


def write(root: Path, files: Mapping[Path, str]) -> None:
    """Write `files` below `root`; folders are made as needed."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def generate(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where a file is not up to date.")
    ] = False,
    root: Annotated[Path, typer.Option(help="Root of the repository.", exists=True, file_okay=False)] = Path(),
) -> None:
    """Write the CRDs, the charts' copies of them and of the rights, the API reference, tables of models, rules."""
    files = generated_files() | rights_files(root) | table_files() | monitoring_files(root)
    stale = outdated(root, files)
    if not check:
        write(root, {path: files[path] for path in stale})
    for path in stale:
        typer.echo(f"{path} is not what the models say" if check else f"Wrote {path}", err=check)
    if check and stale:
        typer.echo("Run `make generate` and commit the result.", err=True)
        sys.exit(1)


def _manifest(kind: Kind, annotations: Mapping[str, str]) -> str:
    definition = custom_resource_definition(kind)
    if annotations:
        definition["metadata"]["annotations"] = dict(annotations)
    return _HEADER + _yaml(definition)


def _yaml(value: Any) -> str:  # noqa: ANN401 - JSON
    text: str = yaml.safe_dump(value, sort_keys=False, width=118, allow_unicode=True)
    if "{{" in text:
        raise ValueError("a generated manifest holds {{, which Helm would take for a template; word it otherwise")
    return text
