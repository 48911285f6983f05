"""The life of a kind cluster, over stand-ins for docker, kind and kwok that note what they were called with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cluster import api, kind, tools
from cluster.choose import Asked
from cluster.errors import ClusterError
from cluster.paths import Folders
from cluster.process import find
from cluster.record import Provider

KIND = """#!/bin/sh
echo "$@" >> {calls}
case "$1 $2" in
"get clusters") cat {clusters} 2>/dev/null ;;
"create cluster") {create} ;;
"delete cluster") sed -i "/^$4$/d" {clusters} ;;
esac
"""
CREATES = 'echo "$4" >> {clusters}; touch "${{10}}"'
KWOK = """#!{python}
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
port = next(word for word in sys.argv if word.startswith("--server-address")).rpartition(":")[2]
http.server.HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""


def a_script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine where Docker answers, kind is installed and kwok is built."""
    programs = tmp_path / "programs"
    create = CREATES.format(clusters=tmp_path / "clusters")
    a_script(programs / "docker", "#!/bin/sh\nexit 0\n")
    a_script(programs / "kind", KIND.format(calls=tmp_path / "calls", clusters=tmp_path / "clusters", create=create))
    a_script(tmp_path / "cache" / "bin" / tools.kwok().key / "kwok", KWOK.format(python=sys.executable))
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return tmp_path


def the_folders(home: Path) -> Folders:
    return Folders(home / "cache", home / "state")


def test_kind_is_present_only_where_the_engine_answers(home: Path) -> None:
    programs = home / "programs"
    assert kind.is_present(str(programs))
    a_script(programs / "docker", "#!/bin/sh\nexit 1\n")
    assert not kind.is_present(str(programs))


def test_kind_is_not_present_without_its_program(home: Path) -> None:
    (home / "programs" / "kind").unlink()
    assert not kind.is_present(str(home / "programs"))


def test_a_kind_cluster_is_created_with_simulated_nodes_and_deleted(home: Path) -> None:
    cluster = api.up("aif", wish=Asked(), folders=the_folders(home))
    assert (cluster.provider, cluster.context) == (Provider.KIND, "kind-aif")
    assert [part.name for part in cluster.parts] == ["kwok"]
    kwok = cluster.part("kwok").identity
    assert find(kwok) is not None
    assert api.down("aif", folders=the_folders(home))
    assert find(kwok) is None
    assert (home / "clusters").read_text() == ""
    assert api.find("aif", folders=the_folders(home)) is None


def test_a_second_up_creates_nothing(home: Path) -> None:
    first = api.up("aif", wish=Asked(), folders=the_folders(home))
    second = api.up("aif", wish=Asked(), folders=the_folders(home))
    api.down("aif", folders=the_folders(home))
    assert first == second
    assert (home / "calls").read_text().count("create cluster") == 1


def test_a_kind_cluster_of_somebody_else_is_left_alone(home: Path) -> None:
    (home / "clusters").write_text("aif\n")
    with pytest.raises(ClusterError, match="was not started from here: choose another --name"):
        api.up("aif", wish=Asked(), folders=the_folders(home))
    assert api.down("aif", folders=the_folders(home)) is False
    assert (home / "clusters").read_text() == "aif\n"


def test_a_failed_creation_says_what_to_try_and_leaves_nothing(home: Path) -> None:
    fails = "echo 'ERROR: failed to pull image' >&2; exit 1"
    text = KIND.format(calls=home / "calls", clusters=home / "clusters", create=fails)
    a_script(home / "programs" / "kind", text)
    with pytest.raises(ClusterError, match=r"failed to pull image\): try --provider embedded"):
        api.up("aif", wish=Asked(), folders=the_folders(home))
    assert api.find("aif", folders=the_folders(home)) is None
