"""A recording of the operator, made again by the program `aif` as a user would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from command_line import aif


@dataclass(frozen=True, slots=True)
class Replayed:
    """What `aif simulate` says of a recording.

    `single` counts the decisions about a service that had a place before; `size` is in bytes.
    """

    status: int
    total: int
    same: int
    services: int
    single: int
    size: int
    first_difference: str


def replayed(folder: Path) -> Replayed:
    """Return what becomes of the decisions recorded in `folder`."""
    done = aif("simulate", str(folder), "--output", "json")
    assert done.stdout, f"aif simulate ended with {done.returncode}:\n{done.stderr}"
    told = json.loads(done.stdout)
    different = (decision for decision in told["decisions"] if not decision["same"])
    return Replayed(
        status=done.returncode,
        total=told["total"],
        same=told["same"],
        services=told["services"],
        single=sum(decision["kind"] == "Single" for decision in told["decisions"]),
        size=sum(path.stat().st_size for path in folder.iterdir()),
        first_difference=next((f"{each['time']} {each['service']}" for each in different), ""),
    )
