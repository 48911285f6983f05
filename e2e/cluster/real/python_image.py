"""Images with Python, made without an engine: the interpreter that runs this, what it links to, and a program.

Those of the operator and of the runtime take the steps of the Dockerfile - `uv sync` from uv.lock into /opt/aif, the
same user, variables and entry point - on a base of this machine's Python in place of a Debian one.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cluster import oci
from cluster.errors import ClusterError, ToolMissing
from cluster.process import run

PROJECT = Path(__file__).parents[3]
PYTHON_IMAGE, OPERATOR_IMAGE = "localhost/aif-python:dev", "localhost/aif-operator:dev"
RUNTIME_IMAGE, LEARNER_IMAGE = "localhost/aif-runtime:dev", "localhost/aif-learner:dev"

_HOME = Path("usr/local")
_ENVIRONMENT, _RUNTIME = Path("opt/aif"), Path("opt/runtime")
_UNUSED = {
    "test",
    "tests",
    "idlelib",
    "turtledemo",
    "tkinter",
    "lib2to3",
    "ensurepip",
    "site-packages",
    "dist-packages",
}
_UNUSED_MODULES = ("_test", "_ctypes_test", "_tkinter", "_curses", "readline")
_VARIABLES = {"PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
# The steps of the Dockerfile: this machine's Python only, files copied and compiled.
_UV_SETTINGS = {"UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy", "UV_COMPILE_BYTECODE": "1"}
# What uv built of the project before may be older than its source.
_FRESH = ("--refresh-package", "aif-operator")
_LINKED = re.compile(r"(?:=> )?(/\S+) \(0x")


def write_python(target: Path) -> None:
    """An image with nothing but Python: `python3` with the standard library."""
    with tempfile.TemporaryDirectory() as folder:
        base = _base_layer(Path(folder) / "base.tar", [])
        path = f"/{_HOME}/bin"
        oci.write(
            oci.Image(PYTHON_IMAGE, [base], ["python3"], {"PATH": path, **_VARIABLES}, user="65532:65532"), target
        )


def write_operator(target: Path) -> None:
    """The image of the operator, with its locked dependencies."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "environment"
        _sync(environment, "--no-editable", *_FRESH)
        base = _base_layer(Path(folder) / "base.tar", _libraries(environment))
        own = _environment_layer(Path(folder) / "own.tar", environment)
        variables = {"PATH": f"/{_ENVIRONMENT}/bin:/{_HOME}/bin", **_VARIABLES}
        entry = ["python", "-m", "aif"]
        oci.write(oci.Image(OPERATOR_IMAGE, [base, own], entry, variables, user="65532:65532"), target)


def write_runtime(target: Path) -> None:
    """The image of the inference server: what it needs, without the operator and its libraries."""
    _write_runtime(target, RUNTIME_IMAGE, "serve", ["python", "-m", "aif_runtime.roles.server"])


def write_learner(target: Path) -> None:
    """The image of the roles of training jobs: a job says which role a pod has."""
    _write_runtime(target, LEARNER_IMAGE, "federated", ["python"])


def _write_runtime(target: Path, tag: str, group: str, entry: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "environment"
        _sync(environment, "--no-install-project", "--only-group", group)
        base = _base_layer(Path(folder) / "base.tar", _libraries(environment))
        own = _environment_layer(Path(folder) / "own.tar", environment)
        program = Path(folder) / "program.tar"
        with tarfile.open(program, "w") as layer:
            layer.add(PROJECT / "operator" / "aif_runtime", str(_RUNTIME / "aif_runtime"), filter=_anybody_used)
        variables = {"PATH": f"/{_ENVIRONMENT}/bin:/{_HOME}/bin", "PYTHONPATH": f"/{_RUNTIME}", **_VARIABLES}
        oci.write(oci.Image(tag, [base, own, program], entry, variables, user="65532:65532"), target)


def linked(said: str) -> set[Path]:
    """The libraries that the output of ldd names, by the path where the loader looks for them."""
    return {Path(path) for path in _LINKED.findall(said)}


def _sync(environment: Path, *wanted: str) -> None:
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise ToolMissing("uv is missing: `make sync` brings one, then run this with `uv run`")
    settings = {**os.environ, **_UV_SETTINGS, "UV_PROJECT_ENVIRONMENT": str(environment)}
    settings.pop("VIRTUAL_ENV", None)
    options = ("--locked", "--no-dev", *wanted, "--quiet", "--python", str(_interpreter()))
    done = run([uv, "sync", *options], env=settings, cwd=PROJECT)
    if done.code != 0:
        raise ClusterError(f"uv could not install what belongs into the image: {done.errors.strip()}")


def _base_layer(target: Path, more: Sequence[Path]) -> Path:
    """Interpreter, standard library, and what they and the libraries `more` link to."""
    interpreter, library = _interpreter(), Path(sysconfig.get_path("stdlib"))
    modules = [path for path in (library / "lib-dynload").glob("*.so") if not path.name.startswith(_UNUSED_MODULES)]
    own = [interpreter, *modules, *more]
    needed = linked(run(["ldd", *own]).output) - set(own)
    with tarfile.open(target, "w") as layer:
        layer.add(interpreter, str(_HOME / "bin" / interpreter.name), filter=_anybody)
        for name in ("python", "python3"):
            _link(layer, _HOME / "bin" / name, interpreter.name)
        layer.add(library, str(_HOME / "lib" / library.name), filter=_anybody_used)
        for path in sorted(needed):
            if not any(path.is_relative_to(parent.parent) for parent in more):
                layer.add(path.resolve(), str(path).lstrip("/"), filter=_anybody)
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        layer.addfile(folder)
    return target


def _environment_layer(target: Path, environment: Path) -> Path:
    """The virtual environment, which finds its Python where the base layer has it."""
    settings = environment / "pyvenv.cfg"
    moved = re.sub(r"^home = .*$", f"home = /{_HOME}/bin", settings.read_text(), flags=re.MULTILINE)
    settings.write_text(moved)
    python = environment / "bin" / "python"
    python.unlink()
    python.symlink_to(f"/{_HOME}/bin/{_interpreter().name}")
    with tarfile.open(target, "w") as layer:
        layer.add(environment, str(_ENVIRONMENT), filter=_anybody)
    return target


def _libraries(environment: Path) -> list[Path]:
    return [path for path in environment.rglob("*.so*") if path.is_file() and not path.is_symlink()]


def _interpreter() -> Path:
    """The Python behind the virtual environment that runs this."""
    return Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}").resolve()


def _link(layer: tarfile.TarFile, path: Path, to: str) -> None:
    entry = tarfile.TarInfo(str(path))
    entry.type, entry.linkname = tarfile.SYMTYPE, to
    layer.addfile(entry)


def _anybody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Owned by root, readable by all, whatever it is on this machine."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def _anybody_used(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    names = Path(entry.name).parts
    unused = _UNUSED & set(names) or any(name.startswith(("config-", *_UNUSED_MODULES)) for name in names)
    return None if unused or entry.name.endswith((".opt-1.pyc", ".opt-2.pyc")) else _anybody(entry)
