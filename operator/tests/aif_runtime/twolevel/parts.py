"""The roles of a job over two levels, terminals aside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aif_runtime.twolevel.manager import RoutineManager
from aif_runtime.twolevel.routine import Phase
from tests.aif_runtime.jobs import Job, until


class Parts:
    """The roles of a job over two levels, terminals aside.

    Attributes:
        seen: Phases and epochs of the routine in their order.
    """

    def __init__(self, job: Job, cuts: dict[str, str], each: int, k: int, rounds: int, **more: Any) -> None:
        start, managed = more.pop("start", {}), more.pop("manager", {})
        self.reencryption = more.pop("reencryption", "None")
        job.clients = max(2, each * len(cuts))
        servers = [name for name, cut in cuts.items() if cut != "Output"]
        whole = each * (len(cuts) - len(servers))
        clients = len(servers) + whole
        self.rules = {
            "rounds": rounds,
            "clients": clients,
            "quorum": clients,
            "evaluators": 1,
            "graceSeconds": 30,
            **more,
        }
        self.groups = [
            {"name": name, "cut": cut, "clients": each, "server": job.at(f"lf-{name}") if cut != "Output" else ""}
            for name, cut in cuts.items()
        ]
        self.job, self.k = job, k
        self.seen: list[tuple[Phase, int]] = []
        job.aggregator(self.rules, start=start)
        job.evaluator()
        self.manager = self.start_manager(**managed)
        self.plane = job.forwarding()
        job.access()
        self.servers = {name: job.server(name) for name in servers}

    def start_manager(self, **more: Any) -> RoutineManager:
        """Start the routine manager."""
        privacy = {"kAnonymity": self.k, "reencryption": self.reencryption}
        manager = self.job.manager(self.groups, privacy=privacy, **more)
        manager.changed = lambda routine: self.seen.append((routine.phase, routine.epoch))
        self.manager = manager
        return manager

    async def round_done(self, turn: int) -> None:
        """Wait until a round is done."""
        await until(lambda: self.job.status["round"] >= turn)

    async def in_round(self, turn: int) -> None:
        """Wait until data flow in a round."""
        await until(lambda: self.job.status["round"] >= turn - 1 and self.manager.routine.phase is Phase.RUNNING)

    def twist(self, twist: Callable[[bytes, bytes], bytes]) -> None:
        """Change one frame of a terminal on its way: `twist` is given it, and the first one that went by."""
        first, twisted = b"", False

        def tap(frame: bytes) -> bytes:
            nonlocal first, twisted
            if frame[8] == 1 or twisted:  # only upwards, and once
                return frame
            found = twist(frame, first)
            first, twisted = first or frame, found != frame
            return found

        self.plane.tap = tap
