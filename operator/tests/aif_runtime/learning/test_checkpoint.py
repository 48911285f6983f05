"""Checkpoints: whole or not at all, and the one before where the last is damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from aif_runtime.learning.arrays import digest
from aif_runtime.learning.checkpoint import Checkpoint, keep, latest, next_epoch, result, write


def a_checkpoint(turn: int) -> Checkpoint:
    """Return the checkpoint of a round."""
    return Checkpoint(turn, {"w": np.full(3, turn, dtype=np.float32)}, {"metrics": {"loss": 1.0 / turn}})


def test_the_last_checkpoint_is_found_again(tmp_path: Path) -> None:
    for turn in (1, 2, 10):
        keep(tmp_path, a_checkpoint(turn))
    found = latest(tmp_path)
    assert found is not None
    assert (found.round, found.note) == (10, {"metrics": {"loss": 0.1}})
    np.testing.assert_array_equal(found.arrays["w"], [10, 10, 10])


def test_two_checkpoints_are_kept(tmp_path: Path) -> None:
    for turn in range(1, 6):
        keep(tmp_path, a_checkpoint(turn))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"round-00000{turn}.{suffix}" for turn in (4, 5) for suffix in ("json", "safetensors")
    ]


def test_without_a_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert latest(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("round-000002.safetensors", b"\0", id="numbers cut off"),
        pytest.param("round-000002.json", b"{", id="note cut off"),
        pytest.param("round-000002.json", b"{}", id="note empty"),
        pytest.param("round-000002.json", b'{"round": 2, "digest": "other", "note": {}}', id="another digest"),
    ],
)
def test_of_a_damaged_checkpoint_the_one_before_is_taken(tmp_path: Path, name: str, content: bytes) -> None:
    for turn in (1, 2):
        keep(tmp_path, a_checkpoint(turn))
    (tmp_path / name).write_bytes(content)
    found = latest(tmp_path)
    assert found is not None
    assert found.round == 1


def test_numbers_without_a_note_are_no_checkpoint(tmp_path: Path) -> None:
    keep(tmp_path, a_checkpoint(1))
    (tmp_path / "round-000002.safetensors").write_bytes(b"")
    found = latest(tmp_path)
    assert found is not None
    assert found.round == 1


def test_a_file_is_there_wholly_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write(path, b"before")

    def full(descriptor: int) -> None:
        raise OSError(f"no space left for {descriptor}")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write(path, b"after")
    assert path.read_bytes() == b"before"


def test_epochs_grow_with_every_start(tmp_path: Path) -> None:
    assert [next_epoch(tmp_path) for _ in range(3)] == [1, 2, 3]


def test_a_damaged_epoch_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "epoch").write_text("?")
    assert next_epoch(tmp_path) == 1


def test_a_finished_model_bears_its_digest(tmp_path: Path) -> None:
    arrays = {"w": np.ones(3, dtype=np.float32)}
    found = result(tmp_path, "model", arrays, {"metrics": {"accuracy": 1.0}})
    assert found == digest(arrays)
    with safe_open(tmp_path / "model.safetensors", "numpy") as file:
        assert file.metadata() == {"digest": found}
    assert json.loads((tmp_path / "model.json").read_text()) == {"digest": found, "metrics": {"accuracy": 1.0}}
