"""The architecture holds: contracts of imports, names that hide nothing, figures of style."""

from __future__ import annotations

import hashlib
import operator as standard_operator
import os
import re
import subprocess
import sys
import sysconfig
from importlib.metadata import distributions, entry_points
from pathlib import Path

import pytest

import aif

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "operator"
STYLE = ROOT / "tools" / "style_figures.py"

BANNED_NAMES = {"common", "helpers", "misc", "utils"}


def modules() -> list[str]:
    """Names of all modules and packages below the source root, as paths without the suffix."""
    paths = [path for path in SOURCE.rglob("*.py") if path.name not in {"__init__.py", "__main__.py"}]
    packages = [path.parent for path in SOURCE.rglob("__init__.py")]
    return sorted(path.relative_to(SOURCE).with_suffix("").as_posix() for path in paths + packages)


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command of the virtual environment to its end, as a user would."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, check=False, capture_output=True, text=True
    )


def test_every_contract_of_imports_is_kept() -> None:
    done = run(Path(sysconfig.get_path("scripts")) / "lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_operator_of_the_standard_library_is_the_one_imported() -> None:
    assert standard_operator.__file__ is not None
    assert Path(standard_operator.__file__).parent == Path(sysconfig.get_path("stdlib"))


def test_the_source_root_is_no_package() -> None:
    assert not (SOURCE / "__init__.py").exists()


def test_python_starts_at_the_root_of_the_project_with_its_own_operator() -> None:
    done = run(sys.executable, "-c", "import sys, operator; assert '' in sys.path; print(operator.eq(1, 1))")
    assert done.stdout.strip() == "True", done.stderr


def test_no_module_hides_one_of_the_standard_library() -> None:
    hidden = {"operator", "queue", "select", "signal", "types"}
    assert [name for name in modules() if Path(name).name in hidden] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [name for name in modules() if Path(name).name in BANNED_NAMES] == []


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (SOURCE / "tests").rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_every_package_of_tests_mirrors_one_of_the_source() -> None:
    tests = SOURCE / "tests"
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    mirrored = (SOURCE / "aif", SOURCE)
    assert [folder for folder in sorted(folders) if not any((root / folder).is_dir() for root in mirrored)] == []


def test_the_package_says_that_it_is_typed() -> None:
    for package in ("aif", "aif_runtime"):
        assert (SOURCE / package / "py.typed").exists()


def test_the_version_of_the_package_is_that_of_the_distribution() -> None:
    named = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert named is not None
    assert aif.__version__ == named[1]


def test_one_kubernetes_client_is_installed() -> None:
    installed = {distribution.name.lower().replace("_", "-") for distribution in distributions()}
    assert "kubernetes" in installed
    assert installed.isdisjoint({"kubernetes-asyncio", "lightkube", "pykube-ng", "kr8s"})


@pytest.mark.parametrize("name", ["aif", "kubectl-aif"])
def test_the_command_line_is_installed_under_both_names(name: str) -> None:
    (script,) = entry_points(group="console_scripts", name=name)
    assert callable(script.load())


def test_the_lock_file_names_only_the_public_index() -> None:
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    sources = set(re.findall(r"^source = (.+)$", lock, re.MULTILINE))
    hosts = sorted(set(re.findall(r"\w+://([^/\"]+)", lock)))
    told = "\n".join([*sorted(sources), *hosts])
    # A digest, since no file but the lock is to name the index: another one, or a folder, gives another digest.
    assert (
        hashlib.sha256(told.encode()).hexdigest() == "750eb82ea3d35f4c20fa17384fb69c20ce40f0f604ea59bcd3513db639f53a8e"
    )


def test_the_figures_of_style_meet_the_hard_goals() -> None:
    done = run(sys.executable, STYLE)
    assert done.returncode == 0, done.stdout


LONG_FUNCTION = "def f() -> None:\n" + "    print()\n" * 41
FITTING_FUNCTION = '"""M."""\n\n\ndef f() -> None:\n    """F."""\n' + "    print()\n" * 40


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        pytest.param({"a.py": '"""M."""\n' + LONG_FUNCTION}, "a.py:2 f: 41 lines", id="a long function"),
        pytest.param({"a.py": '"""M."""\n' + "x = 1\n" * 300}, "a.py: 301 lines", id="a long file"),
        pytest.param({"a.py": '"""M."""\ndef _f(x) -> None: ...\n'}, "a.py:2 _f: not typed", id="a bare parameter"),
        pytest.param({"a.py": '"""M."""\ndef _f(): ...\n'}, "a.py:2 _f: not typed", id="a bare result"),
        pytest.param({"a.py": "x = 1\n"}, "a.py:1 the module: no docstring", id="a module without docstring"),
        pytest.param(
            {"a.py": '"""M."""\nclass C:\n    """C."""\n    def m(self) -> None: ...\n'},
            "a.py:4 m: no docstring",
            id="a method without docstring",
        ),
        pytest.param(
            {"a.py": '"""M."""\nimport aif.b\n', "b.py": '"""M."""\ndef _f() -> None:\n    from aif import a\n'},
            "aif.a <-> aif.b",
            id="modules that import each other",
        ),
    ],
)
def test_a_missed_hard_goal_is_named_and_fails(tmp_path: Path, files: dict[str, str], complaint: str) -> None:
    package = tmp_path / "operator" / "aif"
    package.mkdir(parents=True)
    for name, text in files.items():
        (package / name).write_text(text, encoding="utf-8")
    done = run(sys.executable, STYLE, "--root", tmp_path)
    assert done.returncode == 1
    assert complaint in done.stdout


def test_code_that_just_meets_the_hard_goals_passes(tmp_path: Path) -> None:
    package = tmp_path / "operator" / "aif"
    package.mkdir(parents=True)
    (package / "a.py").write_text(FITTING_FUNCTION, encoding="utf-8")
    done = run(sys.executable, STYLE, "--root", tmp_path)
    assert done.returncode == 0, done.stdout
