"""Messages may come twice: each is acted on once, and its answer is kept to be repeated."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, auto

from aif_runtime.wire.envelope import Frame


class Verdict(Enum):
    """What to do with a request."""

    NEW = auto()
    """Act on it."""

    RUNNING = auto()
    """It is being acted on; its answer will come."""

    ANSWERED = auto()
    """Repeat the answer that is kept."""

    OLD = auto()
    """Drop it: of an earlier epoch, or so long ago that its answer is not kept."""


@dataclass(slots=True)
class Inbox:
    """What came from one sender, by (epoch, seq)."""

    epoch: int = 0
    keep: int = 64
    _answers: OrderedDict[int, Frame | None] = field(default_factory=OrderedDict)
    _forgotten: int = -1

    def judge(self, frame: Frame) -> Verdict:
        """Say what to do with a request; a higher epoch begins anew."""
        if frame.epoch < self.epoch:
            return Verdict.OLD
        if frame.epoch > self.epoch:
            self.epoch, self._forgotten = frame.epoch, -1
            self._answers.clear()
        if frame.seq in self._answers:
            return Verdict.RUNNING if self._answers[frame.seq] is None else Verdict.ANSWERED
        if frame.seq <= self._forgotten:
            return Verdict.OLD
        self._answers[frame.seq] = None
        while len(self._answers) > self.keep:
            seq, _ = self._answers.popitem(last=False)
            self._forgotten = max(self._forgotten, seq)
        return Verdict.NEW

    def answered(self, request: Frame, answer: Frame) -> None:
        """Keep the answer to a request, unless an epoch has begun since."""
        if request.epoch != self.epoch or request.seq not in self._answers:
            return
        self._answers[request.seq] = answer
        if answer.arrays:
            self._forget_models(request.seq)

    def _forget_models(self, last: int) -> None:
        """Keep one model, not sixty: whoever asked anew no longer waits for the one before."""
        for seq in [seq for seq, kept in self._answers.items() if kept and kept.arrays and seq < last]:
            del self._answers[seq]
            self._forgotten = max(self._forgotten, seq)

    def answer(self, request: Frame) -> Frame | None:
        """Return the answer that is kept."""
        return self._answers.get(request.seq) if request.epoch == self.epoch else None
