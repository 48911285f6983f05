"""Up, down and status over stand-ins for the real programs, that answer every health check."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster import api, record, status, tools
from cluster.api import Cluster
from cluster.choose import Asked
from cluster.embedded import families
from cluster.errors import ClusterError, PartDied
from cluster.health import PartState
from cluster.parts import Options
from cluster.paths import Folders
from cluster.process import ProcessIdentity, find
from cluster.record import Provider
from cluster.status import Phase

STAND_IN = """#!{python}
import http.server, re, ssl, sys
options = dict(re.fullmatch(r"--([a-z-]+)=?(.*)", word).groups() for word in sys.argv[1:])
address = options.get("listen-client-urls") or options.get("server-address") or ":" + options["secure-port"]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(address.rpartition(":")[2])), Handler)
if "tls-cert-file" in options:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options["tls-cert-file"], options["tls-private-key-file"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
DYING = "#!/bin/sh\necho starting\necho 'panic: {why}'\necho 'goroutine 1 [running]'\nexit 1\n"
DYING_ONCE = """#!/bin/sh
if mkdir {mark} 2>/dev/null; then echo 'bind: address already in use'; exit 1; fi
exec {then} "$@"
"""
Up = Callable[..., Cluster]


def a_script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """A cache in which every program is a stand-in."""
    made = Folders(tmp_path / "cache", tmp_path / "state")
    for family in families(Options()):
        for program in family.commands:
            a_script(made.binaries / family.key / program, STAND_IN.format(python=sys.executable))
    return made


@pytest.fixture
def up(folders: Folders, request: pytest.FixtureRequest) -> Up:
    """`up` of an embedded cluster that is brought down at the end."""

    def start(name: str = "aif", options: Options | None = None) -> Cluster:
        request.addfinalizer(lambda: api.down(name, folders=folders))
        return api.up(name, wish=Asked(provider=Provider.EMBEDDED), options=options, folders=folders)

    return start


def alive(identities: list[ProcessIdentity]) -> list[int]:
    return [identity.pid for identity in identities if find(identity)]


def identities(cluster: Cluster) -> list[ProcessIdentity]:
    return [part.identity for part in cluster.parts]


def test_up_starts_all_parts_and_down_ends_them_and_keeps_their_logs(up: Up, folders: Folders) -> None:
    cluster = up()
    started = identities(cluster)
    assert len(alive(started)) == 5
    assert status.inspect(cluster).phase is Phase.READY
    assert api.down("aif", folders=folders)
    assert alive(started) == []
    assert [path.name for path in folders.layout("aif").root.iterdir()] == ["logs"]


def test_a_second_up_finds_the_cluster_running(up: Up) -> None:
    assert identities(up()) == identities(up())


def test_two_ups_of_one_name_at_once_start_one_cluster(up: Up) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: up(), range(2))
    assert identities(first) == identities(second)


def test_clusters_of_other_names_run_side_by_side_on_other_ports(up: Up, folders: Folders) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(up, ("one", "two"))
    ports = [part.health.port for cluster in (one, two) for part in cluster.parts if part.health]
    assert len(set(ports)) == 10
    api.down("one", folders=folders)
    assert len(alive(identities(two))) == 5


def test_down_of_a_name_that_was_never_started_does_nothing(folders: Folders) -> None:
    assert api.down("never", folders=folders) is False


def test_a_part_that_dies_at_the_start_is_named_with_its_last_lines_and_its_log(up: Up, folders: Folders) -> None:
    a_script(folders.binaries / tools.kwok().key / "kwok", DYING.format(why="no stages"))
    with pytest.raises(PartDied) as raised:
        up()
    assert str(raised.value) == (
        "kwok ended by itself; its last log lines:\n    starting\n    panic: no stages\n"
        f"  whole log: {folders.layout('aif').log('kwok')}"
    )
    assert api.find("aif", folders=folders) is None


def test_a_failed_start_leaves_no_process(up: Up, folders: Folders, tmp_path: Path) -> None:
    etcd = folders.binaries / tools.etcd().key / "etcd"
    noted = tmp_path / "pid"
    a_script(etcd.with_name("kept"), etcd.read_text())
    a_script(etcd, f'#!/bin/sh\necho $$ > {noted}\nexec {etcd.with_name("kept")} "$@"\n')
    a_script(folders.binaries / tools.kwok().key / "kwok", DYING.format(why="no stages"))
    with pytest.raises(PartDied):
        up()
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)


def test_a_port_that_was_taken_in_between_leads_to_other_ports(up: Up, folders: Folders, tmp_path: Path) -> None:
    etcd = folders.binaries / tools.etcd().key / "etcd"
    a_script(etcd.with_name("kept"), etcd.read_text())
    a_script(etcd, DYING_ONCE.format(mark=tmp_path / "tried", then=etcd.with_name("kept")))
    assert status.inspect(up()).phase is Phase.READY
    assert (tmp_path / "tried").exists()


def test_status_names_a_part_that_died_and_where_its_log_is(up: Up, folders: Folders) -> None:
    cluster = up()
    os.kill(cluster.part("kube-scheduler").identity.pid, signal.SIGKILL)
    found = status.inspect(cluster)
    while found.parts[3].state is not PartState.DEAD:
        found = status.inspect(cluster)
    assert found.phase is Phase.DEGRADED
    assert [part.name for part in found.parts if part.state is PartState.DEAD] == ["kube-scheduler"]
    complaint = "\n".join(status.complaints(found))
    assert complaint.startswith("kube-scheduler is dead")
    assert str(folders.layout("aif").log("kube-scheduler")) in complaint


def test_up_starts_only_the_parts_that_died_and_keeps_the_ports(up: Up) -> None:
    before = up()
    os.kill(before.part("etcd").identity.pid, signal.SIGKILL)
    after = up()
    changed = [old.name for old, new in zip(before.parts, after.parts, strict=True) if old.identity != new.identity]
    assert changed == ["etcd"]
    assert [part.health for part in before.parts] == [part.health for part in after.parts]
    assert status.inspect(after).phase is Phase.READY


def test_an_up_that_was_cut_short_before_anything_ran_is_begun_anew(up: Up, folders: Folders) -> None:
    up()
    api.down("aif", folders=folders)
    cut = record.ClusterRecord("aif", Provider.EMBEDDED, Options(), {"etcd": 1}, Path("kubectl"))
    record.save(folders.layout("aif"), cut)
    assert status.inspect(up()).phase is Phase.READY


def test_other_options_for_a_running_cluster_are_refused(up: Up) -> None:
    up()
    with pytest.raises(ClusterError, match=r"started with --kubernetes .* --node-grace 40 .* `python -m cluster down"):
        up(options=Options(node_grace_s=8))


def test_a_record_of_another_release_says_what_to_remove(folders: Folders) -> None:
    layout = folders.layout("aif")
    layout.root.mkdir(parents=True)
    layout.record.write_text('{"name": "aif"}')
    with pytest.raises(ClusterError, match="is not readable by this release"):
        api.find("aif", folders=folders)


def test_the_kubeconfig_of_our_own_cluster_still_means_that_cluster(up: Up, folders: Folders) -> None:
    cluster = up()
    again = api.up("aif", wish=Asked(kubeconfig=cluster.kubeconfig), folders=folders)
    assert again == cluster


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param([PartState.READY, PartState.READY], Phase.READY, id="all ready"),
        pytest.param([PartState.READY, PartState.DEAD], Phase.DEGRADED, id="one dead"),
        pytest.param([PartState.READY, PartState.NOT_READY], Phase.DEGRADED, id="one not ready"),
        pytest.param([PartState.DEAD, PartState.DEAD], Phase.STOPPED, id="all dead"),
        pytest.param([], Phase.STOPPED, id="none"),
    ],
)
def test_a_cluster_is_ready_only_where_all_its_parts_are(states: list[PartState], expected: Phase) -> None:
    assert status.phase(states) is expected
