"""Generated files are committed as the models have them, and the check says which are not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer import Typer
from typer.testing import CliRunner

from aif.cli.generate.generated import generate, generated_files, outdated, table_files, write
from aif.cli.generate.rights import COPY, SOURCE, rights_files, rules

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def application() -> Typer:
    application = Typer()
    application.command()(generate)
    return application


def test_committed_files_are_what_the_models_say() -> None:
    assert outdated(ROOT, generated_files() | rights_files(ROOT)) == []


def test_committed_tables_are_what_the_architectures_say() -> None:
    assert outdated(ROOT, table_files()) == []


def test_the_chart_has_the_rules_of_the_manifests() -> None:
    manifest = (ROOT / SOURCE).read_text()
    granted = [document["rules"] for document in yaml.safe_load_all(manifest) if "rules" in document]
    assert list(yaml.safe_load((ROOT / COPY).read_text()).values()) == granted


def test_a_role_that_the_chart_does_not_know_is_no_silent_gap() -> None:
    manifest = (ROOT / SOURCE).read_text().replace("name: aif-operator-services", "name: aif-operator-else")
    with pytest.raises(ValueError, match=r"rbac\.yaml holds the roles .*aif-operator-else.* name them alike"):
        rules(manifest)


def test_the_chart_keeps_the_kinds_when_it_is_uninstalled() -> None:
    files = generated_files()
    charts = [yaml.safe_load(text) for path, text in files.items() if path.parts[0] == "helm"]
    kept = {"argocd.argoproj.io/sync-options": "Prune=false", "helm.sh/resource-policy": "keep"}
    assert [chart["metadata"]["annotations"] for chart in charts] == [kept] * 3


def test_the_chart_differs_from_the_manifests_in_that_alone() -> None:
    files = {path: yaml.safe_load(text) for path, text in generated_files().items() if path.suffix == ".yaml"}
    plain = {path.name: document for path, document in files.items() if path.parts[0] == "crds"}
    for path, document in files.items():
        document["metadata"].pop("annotations", None)
        assert document == plain[path.name]


def test_written_files_are_up_to_date(tmp_path: Path) -> None:
    write(tmp_path, generated_files())
    assert outdated(tmp_path, generated_files()) == []


def test_the_check_names_each_file_that_differs(tmp_path: Path, application: Typer) -> None:
    write(tmp_path, generated_files())
    (tmp_path / "crds" / "computenodes.net4ai.io.yaml").write_text("changed by hand")
    result = CliRunner().invoke(application, ["--check", "--root", str(tmp_path)])
    assert result.exit_code == 1
    assert "crds/computenodes.net4ai.io.yaml" in result.output
    assert "aiservices" not in result.output
    assert "make generate" in result.output


def test_generating_writes_only_what_differs(tmp_path: Path, application: Typer) -> None:
    arguments = ["--root", str(tmp_path)]
    assert "Wrote crds/aiservices.net4ai.io.yaml" in CliRunner().invoke(application, arguments).output
    again = CliRunner().invoke(application, arguments)
    assert (again.exit_code, again.output) == (0, "")
