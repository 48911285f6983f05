"""Which programs are built, and when they are not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from rich.progress import TaskID

from cluster import build, toolchain, tools
from cluster.errors import BuildFailed, ClusterError
from cluster.paths import Folders
from cluster.progress import Running
from cluster.tools import ToolFamily


def a_tool_family(
    folder: Path, go_mod: str = "module x\n\ngo 1.26.0\n\nrequire example.com/tool v1.2.3 // indirect\n"
) -> ToolFamily:
    folder.mkdir(exist_ok=True)
    (folder / "go.mod").write_text(go_mod)
    (folder / "go.sum").write_text("example.com/tool v1.2.3 h1:abc=\n")
    cost = tools.Cost(minutes=(1, 2), cache_mib=10, binaries_mib=5)
    return ToolFamily(
        "tool", folder, "example.com/tool", {"tool": "example.com/tool"}, {"p.V": "{version}/{minor}"}, cost
    )


def a_program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("family", "module"),
    [
        pytest.param(tools.etcd(), "go.etcd.io/etcd/server/v3", id="etcd"),
        pytest.param(tools.kubernetes(), "k8s.io/kubernetes", id="kubernetes"),
        pytest.param(tools.kwok(), "sigs.k8s.io/kwok", id="kwok"),
        pytest.param(tools.helm(), "helm.sh/helm/v4", id="helm"),
    ],
)
def test_every_family_names_its_programs_as_tools_of_its_go_mod(family: ToolFamily, module: str) -> None:
    go_mod = (family.folder / "go.mod").read_text()
    assert family.module == module
    assert family.version.startswith("v")
    assert all(package in go_mod.split("require", maxsplit=1)[0] for package in family.commands.values())


def test_every_supported_kubernetes_version_has_a_go_mod_of_that_version() -> None:
    versions = tools.kubernetes_versions()
    assert tools.DEFAULT_KUBERNETES in versions
    for minor in versions:
        assert tools.kubernetes(minor).version.startswith(f"v{minor}.")


def test_an_unsupported_kubernetes_version_names_the_supported_ones() -> None:
    with pytest.raises(ClusterError, match=r"--kubernetes 1\.2 is not supported; choose one of: .*1\.36"):
        tools.kubernetes("1.2")


def test_the_linker_writes_the_version_that_go_mod_requires(tmp_path: Path) -> None:
    assert a_tool_family(tmp_path).linker_flags == "-s -w -X p.V=v1.2.3/2"


def test_a_go_mod_without_the_tool_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"go\.mod does not require example\.com/tool"):
        _ = a_tool_family(tmp_path, go_mod="module x\n\ngo 1.26.0\n").version


def test_the_cache_key_changes_with_the_dependencies(tmp_path: Path) -> None:
    family = a_tool_family(tmp_path)
    before = family.key
    (tmp_path / "go.sum").write_text("example.com/tool v1.2.3 h1:other=\n")
    assert before.startswith("tool-v1.2.3-")
    assert family.key != before


@pytest.mark.parametrize(
    ("said", "same"),
    [
        pytest.param("Kubernetes v1.36.3", True, id="with a v"),
        pytest.param("etcd Version: 1.36.3\nGit SHA: abc", True, id="without a v"),
        pytest.param("Kubernetes v1.36.30", False, id="longer patch"),
        pytest.param("Kubernetes v1.36.3-rc.1", False, id="pre-release"),
        pytest.param("Kubernetes v1.36.3+k3s1", False, id="another build"),
        pytest.param("Kubernetes v11.36.3", False, id="longer major"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_a_program_is_ours_only_at_exactly_our_version(said: str, *, same: bool) -> None:
    assert build.has_version(said, "v1.36.3") is same


def test_a_program_of_the_exact_version_on_the_path_is_taken(tmp_path: Path) -> None:
    family = a_tool_family(tmp_path / "module")
    program = a_program(tmp_path / "bin" / "tool", "tool v1.2.3")
    folders = Folders(tmp_path / "cache", tmp_path / "state")
    assert build.available(family, folders, str(program.parent)) == {"tool": program}


def test_a_program_of_another_version_on_the_path_is_not_taken(tmp_path: Path) -> None:
    family = a_tool_family(tmp_path / "module")
    program = a_program(tmp_path / "bin" / "tool", "tool v1.2.4")
    folders = Folders(tmp_path / "cache", tmp_path / "state")
    assert build.available(family, folders, str(program.parent)) is None


def test_the_cache_comes_before_the_path(tmp_path: Path) -> None:
    family = a_tool_family(tmp_path / "module")
    program = a_program(tmp_path / "bin" / "tool", "tool v1.2.3")
    folders = Folders(tmp_path / "cache", tmp_path / "state")
    cached = a_program(folders.binaries / family.key / "tool", "tool v1.2.3")
    assert build.available(family, folders, str(program.parent)) == {"tool": cached}


def test_the_cost_is_told_with_time_and_disk(tmp_path: Path) -> None:
    notice = build.cost_notice([a_tool_family(tmp_path)], Folders(tmp_path / "cache", tmp_path / "state"))
    assert "tool v1.2.3" in notice
    assert "1 to 2 min" in notice
    assert "5 MiB of programs" in notice


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        pytest.param("dial tcp: lookup modules.example.org: no such host", "GOPROXY", id="no network"),
        pytest.param("write /x: no space left on device", "free 10 MiB", id="full disk"),
        pytest.param("undefined: foo", "could not build tool v1.2.3: undefined: foo", id="compiler"),
    ],
)
def test_a_failed_build_says_what_to_do(tmp_path: Path, line: str, advice: str) -> None:
    log = tmp_path / "build.log"
    log.write_text(f"go: downloading x\n{line}\n")
    said = build.explain(a_tool_family(tmp_path / "module"), log)
    assert advice in said
    assert str(log) in said


def test_the_tool_modules_are_complete() -> None:
    for family in (tools.etcd(), tools.kubernetes(), tools.kwok()):
        assert (family.folder / "go.sum").stat().st_size > 0
        assert family.go_version >= (1, 26)


@pytest.mark.skipif(shutil.which("go") is None, reason="needs a go on the PATH")
def test_a_build_that_fails_leaves_no_programs_in_the_cache(tmp_path: Path) -> None:
    family = a_tool_family(tmp_path / "module", go_mod="module x\n\ngo 1.20\n\nrequire example.com/tool v1.2.3\n")
    folders = Folders(tmp_path / "cache", tmp_path / "state")
    go = toolchain.Go(Path(shutil.which("go") or ""), {**os.environ, "GOTOOLCHAIN": "local", "GOPROXY": "off"})
    with pytest.raises(BuildFailed, match=r"tool-build\.log"):
        build.build(family, go, folders, Running(None, TaskID(0)))
    assert build.available(family, folders, "") is None
