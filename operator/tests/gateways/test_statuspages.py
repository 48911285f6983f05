"""What pods say of themselves is read with care: they belong to tenants."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aif.gateways.statuspages import PHASES, last_words, parse_told
from aif_runtime.federated.progress import Phase, Progress
from tests.builders import NOON

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "clients",
    "trafficBytes",
    "routine",
    "excluded",
    "lost",
    "history",
    "round",
    "message",
    "remainingSeconds",
    "tasks",
    "storedBytes",
)


def test_every_phase_of_the_runtime_is_known() -> None:
    assert {phase.value for phase in Phase} == PHASES


def test_what_the_runtime_says_is_read() -> None:
    progress = Progress(20, 3, 2, phase=Phase.TRAINING, round=4, live=3, answered=2, sent=100, received=50)
    progress.metrics = {"accuracy": 0.91}
    progress.history.extend([{"round": 3, "accuracy": 0.9}, {"round": 4, "accuracy": 0.91}])
    progress.excluded = {"client-1": "its numbers are not finite"}
    progress.tasks, progress.stored = {"train": "Running", "validate": "Waiting"}, 4096
    progress.routine = {"groups": {"a": {"cut": "fc2", "live": 3}}}
    told = parse_told(json.dumps(progress.to_dict()).encode(), NOON)
    assert told is not None
    assert (told.phase, told.round, told.rounds, told.live, told.answered) == ("Training", 4, 20, 3, 2)
    assert (told.accuracy_basis_points, told.transferred_bytes) == (9100, 150)
    assert told.history == ((3, 9000), (4, 9100))
    assert told.named == (("client-1", "Excluded", "its numbers are not finite"),)
    assert told.cuts == {"a": ("fc2", 3)}
    assert (told.tasks, told.stored_bytes) == ((("train", "Running"), ("validate", "Waiting")), 4096)


def test_that_a_job_just_learns_goes_without_saying() -> None:
    told = parse_told(json.dumps(Progress(1, 1, 1, tasks={"train": "Running"}).to_dict()).encode(), NOON)
    assert told is not None
    assert told.tasks == ()


def test_the_last_message_of_a_container_is_read_too() -> None:
    progress = Progress(20, 3, 2, phase=Phase.COMPLETE, round=20, digest="sha256:ab", best_round=19)
    ended = {"state": {"terminated": {"message": progress.last_message()}}}
    pod = {"metadata": {"labels": {"net4ai.io/role": "aggregator"}}, "status": {"containerStatuses": [ended]}}
    role, told = last_words(pod, NOON)
    assert told is not None
    assert (role, told.phase, told.digest, told.best_round) == ("aggregator", "Complete", "sha256:ab", 19)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"phase": "Nonesuch"}', b'{"phase": ["Training"]}'[:9], b"\xff"]
)
def test_what_is_no_status_page_is_left_out(body: bytes) -> None:
    assert parse_told(body, NOON) is None


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_nothing_that_a_pod_says_breaks_the_reader(fields: dict[str, Any]) -> None:
    told = parse_told(
        json.dumps({"phase": "Training", **fields}, allow_nan=False, default=str).encode() if _finite(fields) else b"",
        NOON,
    )
    assert told is None or (told.round >= 0 and len(told.message) <= 256 and len(told.named) <= 32)


def _finite(fields: dict[str, Any]) -> bool:
    try:
        json.dumps(fields, allow_nan=False)
    except ValueError:
        return False
    return True
