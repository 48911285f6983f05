"""Processes, locks, ports and logs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import ports
from cluster.errors import ClusterError
from cluster.health import last_lines
from cluster.locks import exclusive
from cluster.paths import Folders
from cluster.process import ProcessIdentity, environment, find, spawn, start_mark, stop

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[ProcessIdentity]:
    identity = spawn([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log")
    yield identity
    stop([identity], patience_s=5)


def test_a_started_process_is_found(sleeper: ProcessIdentity) -> None:
    process = find(sleeper)
    assert process is not None
    assert process.pid == sleeper.pid


def test_a_process_id_that_is_now_another_process_is_not_ours(sleeper: ProcessIdentity) -> None:
    assert find(ProcessIdentity(sleeper.pid, "an earlier start")) is None


def test_a_recycled_process_id_is_never_stopped(sleeper: ProcessIdentity) -> None:
    stop([ProcessIdentity(sleeper.pid, "an earlier start")], patience_s=5)
    assert find(sleeper) is not None


def test_a_stopped_process_is_gone_though_its_parent_still_lives(sleeper: ProcessIdentity) -> None:
    stop([sleeper], patience_s=5)
    assert find(sleeper) is None


def test_a_process_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    deaf = spawn([sys.executable, "-c", STUBBORN], log)
    while "deaf" not in log.read_text():
        time.sleep(0.01)
    stop([deaf], patience_s=0.3)
    assert find(deaf) is None


def test_a_process_survives_the_one_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from cluster.process import spawn\n"
        "print(spawn([sys.executable, '-c', 'import time; time.sleep(60)'], Path(sys.argv[1])).pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "log")],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    pid = int(done.stdout)
    identity = ProcessIdentity(pid, start_mark(pid) or "")
    assert find(identity) is not None
    stop([identity], patience_s=5)
    assert find(identity) is None


def test_parts_see_nothing_of_the_users_settings() -> None:
    seen = environment({"PATH": "/bin", "HOME": "/home/u", "KUBECONFIG": "x", "HTTPS_PROXY": "y", "GODEBUG": "z"})
    assert seen == {"PATH": "/bin", "HOME": "/home/u"}


def test_the_second_holder_of_a_lock_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []
    waits = threading.Event()

    def second() -> None:
        with exclusive(tmp_path / "lock", on_wait=waits.set):
            order.append("second")

    with exclusive(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(timeout=10)
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]


def test_chosen_ports_are_distinct_free_and_nobody_elses() -> None:
    taken = set(range(20000, 29990))
    chosen = ports.choose(["a", "b"], taken)
    assert len(set(chosen.values())) == 2
    assert taken.isdisjoint(chosen.values())
    assert all(ports.is_free(port) for port in chosen.values())


def test_too_few_ports_are_an_error() -> None:
    with pytest.raises(ClusterError, match="fewer than 2 free ports"):
        ports.choose(["a", "b"], set(range(20000, 30000)))


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a/b", "..", "a" * 41])
def test_a_name_that_could_leave_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="is no cluster name"):
        Folders(tmp_path, tmp_path).layout(name)


def test_folders_follow_the_base_directories_of_the_user() -> None:
    folders = Folders.of({"HOME": "/home/u", "XDG_STATE_HOME": "/state"})
    assert folders.cache == Path("/home/u/.cache/aif-operator")
    assert folders.state == Path("/state/aif-operator")


def test_the_end_of_a_log_is_quoted_up_to_the_line_that_says_why(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\n\ntwo\npanic: no disk\n\ngoroutine 1 [running]:\nmain.main()\n")
    assert last_lines(log, count=2) == ("two", "panic: no disk")


def test_a_long_log_line_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * 1000)
    assert len(last_lines(log)[0]) < 300


def test_a_missing_log_has_no_lines(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none") == ()
