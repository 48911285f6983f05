"""The rounds of a job: choose, ask, screen, combine, judge, keep. What is done is never done again."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from aif_runtime.federated.flower import Scalars, Strategist
from aif_runtime.federated.progress import Phase, Progress
from aif_runtime.federated.rules import OnLoss, Rules
from aif_runtime.federated.screening import Update, screened
from aif_runtime.learning.arrays import Arrays, digest
from aif_runtime.learning.checkpoint import Checkpoint, keep, latest, stored_bytes
from aif_runtime.learning.errors import JobFailed, PeerLost, PeerRefused, UnfitUpdate
from aif_runtime.wire.hub import Hub
from aif_runtime.wire.peer import Peer

log = logging.getLogger(__name__)
_LOOK: Final = 0.05
_GOODBYE: Final = 5.0


@dataclass(slots=True, eq=False)
class Rounds:
    """One job at its aggregator.

    Attributes:
        hub: Where clients and evaluators attach.
        strategist: Chooses clients, combines updates.
        rules: When a round counts, and when the job ends.
        state: The model as it stands.
        progress: What is told of the job.
        folder: Where checkpoints are kept.
        lineage: What else belongs into each checkpoint.
    """

    hub: Hub
    strategist: Strategist
    rules: Rules
    state: Arrays
    progress: Progress
    folder: Path
    changed: Callable[[], None] = lambda: None
    _best: float = -math.inf
    _best_state: Arrays = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hub.came = self.hub.went = self._counted
        self.hub.fault = self.exclude

    def resume(self) -> None:
        """Take up where the last checkpoint ends."""
        kept = latest(self.folder)
        if kept is None:
            return
        parts: dict[str, Arrays] = {"model": {}, "memory": {}, "best": {}}
        for name, array in kept.arrays.items():
            part, rest = name.split("/", 1)
            parts[part][rest] = array
        self.state, self.strategist.memory = parts["model"], parts["memory"]
        self._best_state = parts["best"] or parts["model"]
        self._best = kept.note["best"] if kept.note["best"] is not None else -math.inf
        self.progress.round, self.progress.best_round = kept.round, kept.note["bestRound"]
        self.progress.metrics = kept.note["metrics"]
        self.progress.excluded = dict(kept.note["excluded"])
        self.progress.history.extend(kept.note["history"])
        self.hub.barred.update(self.progress.excluded)
        log.info("Resumed a job", extra={"round": kept.round})

    async def run(self) -> Arrays:
        """Run all rounds that are left, and return the model: the best where rounds are judged, else the last.

        Raises:
            JobFailed: The job has ended without one.
        """
        try:
            async with asyncio.timeout(self.rules.deadline_seconds):
                while not self._done():
                    await self._round()
        except TimeoutError:
            reason = self.progress.reason or "DeadlineExceeded"
            raise JobFailed(
                reason, f"not done after {self.rules.deadline_seconds:g} s: {self.progress.message}"
            ) from None
        return self._best_state or self.state

    async def goodbye(self) -> None:
        """Tell all that the job is done; wait a moment for them to have heard it."""
        peers = self.hub.attached()
        await asyncio.gather(*(peer.request("finish", seconds=_GOODBYE) for peer in peers), return_exceptions=True)

    def exclude(self, name: str, why: str) -> None:
        """Let a client take part no more, and say so; one that never attached is just left alone."""
        if name not in self.hub.peers:
            return
        log.warning("Excluded a client", extra={"peer": name, "why": why})
        self.progress.excluded[name] = why
        self.hub.barred[name] = why
        self.hub.drop(name)

    def _counted(self, peer: Peer) -> None:
        del peer
        self.progress.live = len(self.present())

    def present(self) -> list[str]:
        """Return the names of the clients that are attached."""
        return [peer.name for peer in self.hub.attached() if peer.info.get("role") == "client"]

    def _done(self) -> bool:
        rules, progress = self.rules, self.progress
        if progress.round >= rules.rounds:
            return True
        if rules.target is not None and progress.metrics.get("accuracy", -1.0) >= rules.target:
            return True
        return (
            rules.patience is not None
            and progress.round - progress.best_round >= rules.patience
            and self._best > -math.inf
        )

    async def _round(self) -> None:
        loop = asyncio.get_running_loop()
        turn = self.progress.round + 1
        names = await self._enough()
        began = loop.time()
        chosen, config = self.strategist.choose(turn, self.state, names, self.rules.seed)
        updates = await self._collect(turn, chosen, config)
        diverged = [name for name, why in self.progress.lost.items() if why.startswith("Diverged")]
        if len(updates) < self.rules.quorum and diverged:
            raise JobFailed("Diverged", f"{', '.join(diverged)}: the loss is not finite; try a smaller learning rate")
        if len(updates) < self.rules.quorum:
            self._pause(
                f"{len(updates)} of {len(chosen)} clients answered in round {turn}, {self.rules.quorum} are needed"
            )
            await asyncio.sleep(_LOOK)
            return
        if self.progress.lost and self.rules.on_loss is OnLoss.FAIL:
            name, why = next(iter(self.progress.lost.items()))
            raise JobFailed("ClientLost", f"{name} was lost in round {turn}: {why}")
        await self._conclude(turn, updates)
        self.progress.seconds.append(loop.time() - began)
        self.changed()

    async def _conclude(self, turn: int, updates: Sequence[Update]) -> None:
        combined = await asyncio.to_thread(self.strategist.combine, turn, self.state, updates)
        loss = sum(update.loss * update.examples for update in updates) / sum(update.examples for update in updates)
        if not math.isfinite(loss) or not all(np.isfinite(array).all() for array in combined.values()):
            raise JobFailed("Diverged", f"round {turn} led to numbers that are not finite; try a smaller learning rate")
        self.state = combined
        judged = await self.judge(combined, turn) if self.rules.evaluators else {}
        metrics = {"trainingLoss": loss, **judged}
        self.progress.round, self.progress.metrics, self.progress.answered = turn, metrics, len(updates)
        self.progress.history.append({"round": turn, "clients": len(updates), **metrics})
        worth = metrics.get("accuracy", -loss)
        if worth > self._best:
            self._best, self._best_state, self.progress.best_round = worth, combined, turn
        await asyncio.to_thread(self._keep)
        log.info("Finished a round", extra={"round": turn, "clients": len(updates), **metrics})

    def _keep(self) -> None:
        progress = self.progress
        progress.digest = digest(self.state)
        arrays = {f"model/{name}": array for name, array in self.state.items()}
        arrays |= {f"memory/{name}": array for name, array in self.strategist.memory.items()}
        if progress.best_round != progress.round:
            arrays |= {f"best/{name}": array for name, array in self._best_state.items()}
        note = {
            "best": self._best if math.isfinite(self._best) else None,
            "bestRound": progress.best_round,
            "metrics": progress.metrics,
            "excluded": progress.excluded,
            "history": list(progress.history),
        }
        keep(self.folder, Checkpoint(progress.round, arrays, note))
        progress.stored = stored_bytes(self.folder)

    async def _enough(self) -> list[str]:
        loop = asyncio.get_running_loop()
        full = loop.time() + self._patience()
        while True:
            names = self.present()
            wanted = self.rules.clients if loop.time() < full else self.rules.quorum
            if loop.time() >= full and self.rules.on_loss is OnLoss.FAIL and len(names) < self.progress.answered:
                raise JobFailed("ClientLost", f"{len(names)} of {self.progress.answered} clients are left")
            if len(names) >= max(1, wanted):
                self.progress.phase, self.progress.reason, self.progress.message = Phase.TRAINING, "", ""
                return names
            if len(names) < self.rules.quorum:
                self._pause(f"{len(names)} clients are there, {self.rules.quorum} are needed")
            await asyncio.sleep(_LOOK)

    def _patience(self) -> float:
        """Return how long a round waits for those who are not there, while the quorum is."""
        if self.progress.round == 0:
            return self.rules.gather_seconds
        seconds = {OnLoss.WAIT: self.rules.round_seconds, OnLoss.FAIL: self.rules.grace_seconds}
        return seconds.get(self.rules.on_loss, 0.0)

    def _pause(self, message: str) -> None:
        self.progress.phase = Phase.PAUSED if self.progress.round else Phase.WAITING
        self.progress.reason, self.progress.message = "QuorumNotReached", message

    async def _collect(self, turn: int, chosen: Sequence[str], config: Scalars) -> list[Update]:
        self.progress.lost = {}
        answers = await asyncio.gather(*(self._ask(turn, name, config) for name in chosen))
        return [answer for answer in answers if answer is not None]

    async def _ask(self, turn: int, name: str, config: Scalars) -> Update | None:
        peer = self.hub.peers.get(name)
        if peer is None:
            return None
        request = asyncio.create_task(
            peer.request("train", config={**config, "round": turn}, arrays=self.state, seconds=self.rules.round_seconds)
        )
        watch = asyncio.create_task(self._gone(peer))
        try:
            await asyncio.wait((request, watch), return_when=asyncio.FIRST_COMPLETED)
            if not request.done():
                self.progress.lost[name] = f"gone for more than {self.rules.grace_seconds:g} s"
                return None
            # The judgement reads every number of the update, and leaves the streams alive meanwhile.
            return await asyncio.to_thread(screened, name, request.result(), self.state, turn)
        except UnfitUpdate as error:
            self.exclude(name, str(error))
        except TimeoutError:
            self.progress.lost[name] = f"no answer after {self.rules.round_seconds:g} s"
        except (PeerLost, PeerRefused) as error:
            self.progress.lost[name] = str(error)
        finally:
            request.cancel()
            watch.cancel()
        return None

    async def _gone(self, peer: Peer) -> None:
        """Return once a client has been away for longer than it may."""
        loop = asyncio.get_running_loop()
        seen = loop.time()
        while True:
            if peer.attached or self.rules.on_loss is OnLoss.WAIT:
                seen = loop.time()
            elif loop.time() - seen > self.rules.grace_seconds:
                return
            await asyncio.sleep(_LOOK)

    async def judge(self, state: Arrays, turn: int) -> dict[str, float]:
        """Return what an evaluator says of a model; empty where none answers for as long as a round may take."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.rules.round_seconds
        while True:
            judges = [peer for peer in self.hub.attached() if peer.info.get("role") == "evaluator"]
            try:
                if judges:
                    answer = await judges[0].request("evaluate", config={"round": turn}, arrays=state, seconds=60.0)
                    return dict(answer.metrics)
            except (PeerLost, PeerRefused, TimeoutError) as error:
                log.warning("Failed to judge a round", extra={"round": turn, "why": str(error)})
            if loop.time() > until:
                return {}
            await asyncio.sleep(_LOOK)
