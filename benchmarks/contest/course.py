"""The course of a contest: who runs when, and what is measured meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cluster.progress import Steps
from contest import objects
from contest.entrants import ENTRANTS, Running
from contest.readings import Mark, Reading, bindings, read
from contest.stage import SERVERS, Stage, await_count, cpu_seconds, peer_kubeconfig

SCHEDULER: Final = "kube-scheduler"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: so many services on so many nodes, in so many rounds, and paced for so many seconds."""

    services: int
    nodes: int
    rounds: int
    rate: float
    paced: float
    entrants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lap:
    """One turn of a contestant: CPU seconds of its own and of API server with etcd, and its memory at most."""

    reading: Reading
    cpu: float
    server_cpu: float
    mib: float

    @property
    def cpu_ms_each(self) -> float:
        """CPU milliseconds of the contestant per placement."""
        return 1e3 * self.cpu / max(1, self.reading.placed)

    @property
    def server_cpu_ms_each(self) -> float:
        """CPU milliseconds of API server and etcd per placement."""
        return 1e3 * self.server_cpu / max(1, self.reading.placed)


@dataclass(slots=True)
class Result:
    """What is known of a contestant; `idle` is its memory in MiB before any service came."""

    idle: float = 0.0
    idle_cpu: float = 0.0
    paced: Lap | None = None
    flat: list[Lap] = field(default_factory=list)
    bound: list[tuple[int, float]] = field(default_factory=list)
    """Pods that kube-scheduler bound in each round, and the seconds that it took."""


class Course:
    """Runs contestants in turn."""

    def __init__(self, here: Stage, plan: Plan, steps: Steps) -> None:
        """Run `plan` on the stage `here`."""
        self._here = here
        self._plan = plan
        self._steps = steps
        self._kubeconfig = peer_kubeconfig(here)
        self._servers = [here.process(part) for part in SERVERS]
        self._results = {name: Result() for name in plan.entrants}

    def run(self) -> dict[str, Result]:
        """Return the results by contestant."""
        names = [name for name in self._plan.entrants if name in ENTRANTS]
        with self._steps.run("Let the operator judge the nodes"):
            self._settle()
        for name in names:
            with self._steps.run(f"{name}: {self._plan.rate:g} a second for {self._plan.paced:g} s"):
                self._paced(name)
        for number in range(1, self._plan.rounds + 1):
            for name in self._plan.entrants:
                with self._steps.run(f"{name}: flat out, round {number} of {self._plan.rounds}"):
                    self._schedule(number) if name == SCHEDULER else self._flat(name, number)
        return self._results

    def _settle(self) -> None:
        """Have every ComputeNode judged once: these writes belong to no service."""
        self._here.add_namespace("settling")
        running = ENTRANTS["aif-raised"](self._here, "settling", self._kubeconfig)
        running.calm()
        running.end()

    def _paced(self, name: str) -> None:
        namespace, result = f"paced-{name}", self._results[name]
        self._here.add_namespace(namespace)
        running = ENTRANTS[name](self._here, namespace, self._kubeconfig)
        running.calm()
        result.idle, result.idle_cpu = running.mib, running.cpu
        bodies = [
            objects.service(number) for number in range(min(self._total, round(self._plan.rate * self._plan.paced)))
        ]
        load = self._here.loader.create_at
        result.paced = self._lap(
            running, namespace, len(bodies), lambda: load(self._plan.rate, "aiservices", bodies, namespace)
        )

    @property
    def _total(self) -> int:
        return self._plan.nodes * objects.GPUS

    def _flat(self, name: str, number: int) -> None:
        namespace, result = f"flat-{name}-{number}", self._results[name]
        self._here.add_namespace(namespace)
        self._here.loader.create("aiservices", map(objects.service, range(self._plan.services)), namespace)
        since = Mark.now(self._here.audit_log)
        server = cpu_seconds(self._servers)
        running = ENTRANTS[name](self._here, namespace, self._kubeconfig)
        result.flat.append(
            self._lap(running, namespace, self._plan.services, since=since, cpu=result.idle_cpu, server=server)
        )

    def _lap(
        self,
        running: Running,
        namespace: str,
        count: int,
        load: Callable[[], None] = lambda: None,
        *,
        since: Mark | None = None,
        cpu: float | None = None,
        server: float | None = None,
    ) -> Lap:
        """Return what a contestant did until every service had its Deployment and it came to rest; then end it."""
        mark = since or Mark.now(self._here.audit_log)
        own = running.cpu if cpu is None else cpu
        others = cpu_seconds(self._servers) if server is None else server
        most = running.mib

        def weigh(_: int) -> None:
            nonlocal most
            running.require_alive()
            most = max(most, running.mib)

        load()
        await_count(self._here, "deployments", namespace, count, weigh)
        running.calm()
        weigh(count)
        own, others = running.cpu - own, cpu_seconds(self._servers) - others
        running.end()
        reading = read(mark, namespace)
        self._here.clear(namespace)
        return Lap(reading, own, others, most)

    def _schedule(self, number: int) -> None:
        """Have kube-scheduler place as many pods, which are all there when it wakes."""
        namespace, total = f"pods-{number}", self._plan.services
        self._here.add_namespace(namespace)
        self._here.loader.create("pods", map(objects.pod, range(total)), namespace)
        since = Mark.now(self._here.audit_log)
        with self._here.awake(SCHEDULER):
            since.await_bindings(total)
        self._results[SCHEDULER].bound.append(bindings(since, namespace))
        self._here.clear(namespace)
