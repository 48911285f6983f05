"""Watches the rounds of a training job while faults strike: what is done must stay done."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from learning_place import Place
from rest import Json, Refused, eventually
from urllib3.exceptions import HTTPError

_LOOK_S: Final = 0.1
_TOLD_S: Final = 1.0


@dataclass(slots=True)
class Seen:
    """What was seen of the rounds of a job.

    `kept`: when each finished round was written on the claim, by its number. `told`: the rounds that the status told,
    one behind the other. `broken`: what was finished and then was not, or was done again.
    """

    kept: dict[int, int] = field(default_factory=dict)
    told: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The last finished round that was on the claim; 0 before the first."""
        return max(self.kept, default=0)

    def note(self, rounds: dict[int, int], history: list[int]) -> None:
        """Take note of the rounds that lie on the claim, each with when it was written, and of all that are done."""
        self.broken += [f"round {at} was done again" for at, when in rounds.items() if self.kept.get(at, when) != when]
        if self.kept and rounds and max(rounds) < self.last:
            self.broken.append(f"round {self.last} is gone, the last is {max(rounds)}")
        if history != list(range(1, len(history) + 1)):
            self.broken.append(f"the rounds on the claim are {history}")
        self.kept.update(rounds)

    def tell(self, turn: int) -> None:
        """Take note of the round that the status tells."""
        if self.told and turn < self.told[-1]:
            self.broken.append(f"the status went from round {self.told[-1]} back to {turn}")
        if not self.told or turn != self.told[-1]:
            self.told.append(turn)


class RoundWatch:
    """Looks at the claim and the status of a job again and again, in a thread of its own."""

    def __init__(self, place: Place, job: str) -> None:
        """Watch the job of this name."""
        self.seen = Seen()
        self._place = place
        self._job = job
        self._folder = place.folder / job / "state"
        self._over = threading.Event()
        self._told_at = 0.0

    @contextmanager
    def running(self) -> Iterator[Seen]:
        """Watch all the while; the last look is after the end."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield self.seen
        finally:
            self._over.set()
            thread.join()

    def await_round(self, turn: int, within_s: float) -> None:
        """Wait until a round is done and kept."""
        eventually(lambda: self.seen.last >= turn, f"round {turn} of {self._job} is on its claim", within_s)

    def _run(self) -> None:
        while not self._over.wait(_LOOK_S):
            self._look()
        self._look()

    def _look(self) -> None:
        # A file may go while it is looked at; the next look finds those that are there then.
        with suppress(OSError, ValueError):
            notes = sorted(self._folder.glob("round-*.json"))
            rounds = {int(path.stem.removeprefix("round-")): path.stat().st_mtime_ns for path in notes}
            if notes:
                last: Json = json.loads(notes[-1].read_text(encoding="utf-8"))
                self.seen.note(rounds, [int(entry["round"]) for entry in last["note"]["history"]])
        if time.monotonic() - self._told_at > _TOLD_S:
            self._told_at = time.monotonic()
            with suppress(OSError, HTTPError, Refused):  # the API server may be one that was struck
                told = self._place.rest.get("trainingjobs", self._job, self._place.jobs.namespace) or {}
                if progress := told.get("status", {}).get("progress"):
                    self.seen.tell(int(progress["round"]))
