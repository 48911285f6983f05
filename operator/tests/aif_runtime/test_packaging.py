"""What the server is made of: its model, its dependencies, its settings in the guide."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

from aif_runtime.serving import settings
from aif_runtime.serving.metrics import BUCKETS
from aif_runtime.serving.settings import InvalidSetting, Settings, variable

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")


def test_the_model_is_what_its_program_makes() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "plates_model.py"), "--check"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_extra_and_the_group_of_the_image_hold_the_same() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["optional-dependencies"]["serve"] == project["dependency-groups"]["serve"]


def test_no_image_and_no_other_extra_has_the_backend_under_another_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    having = {
        f"{kind}.{name}"
        for kind, parts in (("extra", extras), ("group", groups))
        for name, packages in parts.items()
        if any("umbral" in str(package) or "reencryption" in str(package) for package in packages)
    }
    assert having == {"extra.reencryption", "group.reencryption", "group.dev"}
    steps = [
        line for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    assert not any("reencryption" in line for line in steps)
    assert all("--no-dev" in line for line in steps if "uv sync" in line)
    importing = [
        path.name for path in (ROOT / "operator").glob("aif*/**/*.py") if "import umbral_pre" in path.read_text()
    ]
    assert importing == ["umbral.py"]


def test_no_bucket_is_wider_than_the_usual_tolerance() -> None:
    ratios = [upper / lower for lower, upper in pairwise(BUCKETS)]
    assert max(ratios) < 1.05
    assert BUCKETS[0] <= 0.001
    assert BUCKETS[-1] >= 9.0


def test_every_setting_stands_in_the_guide_with_its_default_and_meaning() -> None:
    module = ast.parse(Path(settings.__file__).read_text(encoding="utf-8"))
    body = next(node.body for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Settings")
    texts = [node.value.value for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)][
        1:
    ]
    defaults = Settings()
    for field, text in zip(fields(Settings), texts, strict=True):
        default = getattr(defaults, field.name)
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        cell = f"`{shown}`" if shown else ""
        assert f"| `{variable(field.name)}` | {cell} | {text!s} |" in GUIDE


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        pytest.param({"AIF_SERVER_QUEUE": "-1"}, "AIF_SERVER_QUEUE='-1'", id="negative"),
        pytest.param({"AIF_SERVER_GRACE_SECONDS": "nan"}, "AIF_SERVER_GRACE_SECONDS='nan'", id="no number"),
        pytest.param({"AIF_SERVER_GRACE_SECONDS": "5"}, "must be more than", id="as long as the drain"),
    ],
)
def test_settings_out_of_their_range_are_refused(variables: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidSetting, match=said):
        Settings.from_environ(variables)


def test_what_is_not_set_has_its_default() -> None:
    assert Settings.from_environ({"AIF_SERVER_PORT": "", "PATH": "/bin"}) == Settings()
    assert Settings.from_environ({"AIF_SERVER_REPEAT": "5"}).repeat == 5
