"""What outlives a process: the numbers after a round, and a note beside them, whole or not at all."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from aif_runtime.learning.arrays import Array, Arrays, digest

log = logging.getLogger(__name__)
KEEP: Final = 2
_EPOCH: Final = "epoch"


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A round that is done.

    Attributes:
        round: Its number; 0 before the first.
        arrays: Numbers of the model, and others that are to be had again.
        note: What else is to be known again; JSON.
    """

    round: int
    arrays: Arrays
    note: dict[str, Any] = field(default_factory=dict)


def write(path: Path, data: bytes) -> None:
    """Write a file that is there wholly or not at all, even where the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def keep(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, and remove all but the last two."""
    stem = folder / f"round-{checkpoint.round:06d}"
    write(stem.with_suffix(".safetensors"), save(checkpoint.arrays))
    note = {"round": checkpoint.round, "digest": digest(checkpoint.arrays), "note": checkpoint.note}
    write(stem.with_suffix(".json"), json.dumps(note, indent=2).encode())
    for old in _notes(folder)[KEEP:]:
        old.unlink(missing_ok=True)
        old.with_suffix(".safetensors").unlink(missing_ok=True)


def latest(folder: Path) -> Checkpoint | None:
    """Return the last checkpoint that is whole; None where there is none."""
    for path in _notes(folder):
        try:
            noted = json.loads(path.read_text(encoding="utf-8"))
            arrays = load_file(path.with_suffix(".safetensors"))
            if digest(arrays) == noted["digest"]:
                return Checkpoint(noted["round"], arrays, noted["note"])
            why = "its digest is another"
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            why = str(error)
        log.warning("Left out a checkpoint", extra={"path": str(path), "why": why})
    return None


def _notes(folder: Path) -> list[Path]:
    return sorted(folder.glob("round-*.json"), reverse=True)


def stored_bytes(*folders: Path) -> int:
    """Return how much is kept in ``folders`` and below them, each file once."""
    files = {path.resolve() for folder in folders for path in folder.rglob("*") if path.is_file()}
    return sum(_size(path) for path in files)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # gone since it was listed
        return 0


def next_epoch(folder: Path) -> int:
    """Return an epoch higher than every one before it, and note it down."""
    path = folder / _EPOCH
    try:
        before = int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = 0
    write(path, str(before + 1).encode())
    return before + 1


def has_begun(folder: Path) -> bool:
    """Return whether there has been an epoch before."""
    return (folder / _EPOCH).exists()


def result(folder: Path, name: str, arrays: Mapping[str, Array], note: Mapping[str, Any]) -> str:
    """Write a finished model as safetensors with a note beside it; return its digest."""
    found = digest(arrays)
    write(folder / f"{name}.safetensors", save(dict(arrays), metadata={"digest": found}))
    write(folder / f"{name}.json", json.dumps({"digest": found, **note}, indent=2).encode())
    return found
