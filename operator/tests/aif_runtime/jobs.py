"""Whole jobs in one process: each role a task that can be killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aif_runtime.roles import access_manager, client, evaluator, forwarding_plane, local_function, routine_manager
from aif_runtime.roles.aggregator import Aggregator, AggregatorRole
from aif_runtime.twolevel.forwarding import ForwardingPlane
from aif_runtime.twolevel.manager import RoutineManager
from aif_runtime.twolevel.server import LocalFunction
from aif_runtime.twolevel.terminal import Terminal
from tests.aif_runtime.certificates import Authority

TIMING = {"heartbeatSeconds": 0.2, "patienceSeconds": 30, "reconnectSeconds": 0.02}
Settings = dict[str, Any]
SERVERS = "job.example"
"""Host that every server's certificate is good for: over sockets in a folder nobody dials a name."""


async def until(holds: Callable[[], bool], seconds: float = 180.0) -> None:
    """Wait until something holds; it only bounds a broken test."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.01)


@dataclass
class Job:
    """One job; its streams go over sockets in a folder of its own.

    Attributes:
        folder: For sockets, checkpoints and the model.
        shared: What every role is told.
        learning: What roles with a model are told besides.
        clients: Among how many the data are divided.
        authority: Signs a certificate for each role; without it there is no TLS.
    """

    folder: Path
    shared: Settings = field(default_factory=lambda: {"job": "j", "insecure": True, "seed": 7, "timing": TIMING})
    learning: Settings = field(default_factory=dict)
    clients: int = 3
    authority: Authority | None = None
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    aggregators: list[Aggregator] = field(default_factory=list)

    def at(self, name: str) -> str:
        """Return the address of a role."""
        return f"unix:{self.folder}/{name}"

    @property
    def status(self) -> Settings:
        """What the aggregator's status page shows."""
        return self.aggregators[-1].status()

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a role."""
        self.tasks[name] = asyncio.create_task(work, name=name)
        return self.tasks[name]

    async def kill(self, *names: str) -> None:
        """End roles without a farewell."""
        for name in names:
            self.tasks[name].cancel()
        await asyncio.wait([self.tasks.pop(name) for name in names])

    def plain(self, name: str, **more: Any) -> Settings:
        """Return the settings of a role."""
        if not self.authority:
            return {**self.shared, "name": name, **more}
        tls = self.authority.issue(name, SERVERS)
        files = {"authority": tls.authority, "certificate": tls.certificate, "key": tls.key, "serverName": SERVERS}
        return {**self.shared, "insecure": False, "tls": files, "name": name, **more}

    def told(self, *, name: str, **more: Any) -> Settings:
        """Return the settings of a role with a model."""
        data = {"data": {"source": "Digits", "clients": self.clients}}
        return {**self.plain(name), **data, **self.learning, **more}

    def aggregator(self, rules: Settings, **more: Any) -> Aggregator:
        """Start the aggregator."""
        output = {"output": {"folder": self.folder}}
        told = self.told(name="agg", listen=self.at("agg"), state=self.folder / "state", **{**output, **more})
        aggregator = Aggregator(AggregatorRole.model_validate({**told, "rules": {"gatherSeconds": 60, **rules}}))
        self.aggregators.append(aggregator)
        self.start("agg", aggregator.run())
        return aggregator

    def evaluator(self) -> None:
        """Start the evaluator."""
        told = self.told(name="eva", aggregator=self.at("agg"))
        self.start("eva", evaluator.run(evaluator.EvaluatorRole.model_validate(told)))

    def client(self, index: int) -> None:
        """Start a client of federated learning."""
        told = self.told(name=f"client-{index}", index=index, aggregator=self.at("agg"))
        self.start(f"client-{index}", client.run(client.ClientRole.model_validate(told)))

    def manager(self, groups: list[Settings], **more: Any) -> RoutineManager:
        """Start the routine manager."""
        addresses = {"listen": self.at("man"), "aggregator": self.at("agg"), "forwarding": self.at("fp")}
        settings = {"graceSeconds": 0.3, "gatherSeconds": 30, "state": self.folder / "routine", **more}
        told = self.told(name="man", groups=groups, **addresses, **settings)
        role = routine_manager.RoutineManagerRole.model_validate(told)
        manager = routine_manager.manager_of(role)
        self.start("man", routine_manager.serve(role, manager))
        return manager

    def forwarding(self) -> ForwardingPlane:
        """Start the forwarding plane."""
        role = forwarding_plane.ForwardingPlaneRole.model_validate(
            self.plain("fp", listen=self.at("fp"), manager=self.at("man"))
        )
        plane = forwarding_plane.plane_of(role)
        self.start("fp", forwarding_plane.serve(role, plane))
        return plane

    def access(self) -> None:
        """Start the access manager."""
        told = self.plain("am", listen=self.at("am"), manager=self.at("man"))
        self.start("am", access_manager.run(access_manager.AccessManagerRole.model_validate(told)))

    def server(self, group: str, **more: Any) -> LocalFunction:
        """Start the local function of a group."""
        addresses = {"listen": self.at(f"lf-{group}"), "manager": self.at("man"), "aggregator": self.at("agg")}
        role = local_function.LocalFunctionRole.model_validate(
            self.told(name=f"lf-{group}", group=group, gatherSeconds=30, **addresses, **more)
        )
        function = local_function.function_of(role)
        self.start(f"lf-{group}", local_function.serve(role, function))
        return function

    def terminal(self, index: int, **offer: Any) -> Terminal:
        """Start a terminal."""
        told = self.told(name=f"t-{index}", index=index, access=self.at("am"), offer=offer)
        role = client.ClientRole.model_validate(told)
        terminal = client.terminal_of(role)
        self.start(f"t-{index}", client.serve(role, terminal))
        return terminal

    async def ended(self, name: str = "agg", seconds: float = 180.0) -> None:
        """Wait for the end of a role; raises what it raised."""
        await asyncio.wait_for(asyncio.shield(self.tasks[name]), seconds)


@contextlib.asynccontextmanager
async def a_job(**fields: Any) -> AsyncIterator[Job]:
    """Run a job; whatever of it still runs at the end is killed."""
    folder = Path(tempfile.mkdtemp(prefix="job-"))  # short: an address may have about a hundred characters
    job = Job(folder, **fields)
    try:
        yield job
    finally:
        if job.tasks:
            await job.kill(*job.tasks)
        gc.collect()  # what gRPC holds is let go while its loop still runs, not in the midst of another test
        shutil.rmtree(folder, ignore_errors=True)  # a thread may still write a checkpoint
