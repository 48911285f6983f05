"""Moves among everything that may happen, at random: nobody goes unanswered by our doing, and every move ends."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aif.api.aiservice import AIService
from aif.api.aiservice_status import AIServiceStatus
from aif.api.migration_status import MigrationStatus
from aif.contract.copies import CopyLook
from aif.domain.actions import Action, Apply, Delete, WriteStatus
from aif.domain.annotations import ABORT, MIGRATE_TO
from aif.domain.cluster import COPY_LABEL, Child, Node, Pod, ServiceView
from aif.reconcile.aiservice import reconcile
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.ledger import Ledger
from aif.scheduling.node_table import NodeTable
from tests.builders import NOON, a_compute_node, a_node, an_aiservice
from tests.reconcile.moving.moves import QOS, annotated, judged
from tests.reconcile.scenes import a_child, changed

NAMES: Final = ("gnb-7", "gnb-8", "gnb-9")
ROWS: Final = [a_compute_node(name) for name in NAMES]
GOOD, BAD = 0.010, 0.050
BOUNDS: Final = {"cooldownSeconds": 60, "verifySeconds": 20, "drainSeconds": 5, "timeoutSeconds": 120, "maxPerHour": 60}

nodes = st.sampled_from(NAMES)


class Moving(RuleBasedStateMachine):
    """One service on three nodes, with an operator that may crash between any two of its writes."""

    service: AIService

    @initialize()
    def begin(self) -> None:
        """Place the service."""
        self.service = an_aiservice(qos=QOS, migration=BOUNDS)
        self.seconds = 0.0
        self.ledger = Ledger()
        self.children: dict[tuple[str, str], Child] = {}
        self.ready: dict[str, bool] = {}
        self.serving = frozenset[str]()
        self.cordoned = set[str]()
        self.slow = set[str]()
        self.asked = 0
        self.act(99)
        self.settle()

    # What the world is

    @property
    def snapshot(self) -> Snapshot:
        """Return what the operator sees."""
        now = NOON + timedelta(seconds=self.seconds)
        seen = {f"worker-{name}": a_node(f"worker-{name}", unschedulable=name in self.cordoned) for name in NAMES}
        pods = [self.pod(copy) for copy in self.ready]
        table = NodeTable.build(ROWS, seen, pods, self.ledger, now)
        view = ServiceView(tuple(self.children.values()), tuple(pods), len(self.serving), self.serving)
        behind = [copy for copy in self.ready if copy in self.serving]
        value = max((self.latency(copy) for copy in behind), default=None)
        looks = {copy: self.look(copy) for copy in self.ready} if self.move is not None else {}
        return Snapshot(
            table=table,
            nodes=dict[str, Node](seen),
            view=view,
            claims=self.ledger.claims_of(self.service.metadata.uid),
            judged=(judged(self.service, value),),
            judged_copies=looks,
        )

    @property
    def move(self) -> MigrationStatus | None:
        """Return the move that is recorded."""
        return self.service.status.migration

    def node_of(self, copy: str) -> str:
        """Return the node that a copy is bound to."""
        body = self.children["Deployment", f"plates-{copy}"].body
        return str(body["spec"]["template"]["spec"]["nodeSelector"]["kubernetes.io/hostname"])

    def pod(self, copy: str) -> Pod:
        """Return the pod of a copy; its uid is the copy's name."""
        return Pod(
            "default",
            f"plates-{copy}",
            copy,
            node=self.node_of(copy),
            requests={"cpu": 2.0, "memory": 4.0 * 2**30, "nvidia.com/gpu": 1.0},
            service="plates",
            copy=copy,
            ready=self.ready[copy],
        )

    def latency(self, copy: str) -> float:
        """Return how long a request takes on the copy."""
        return BAD if self.node_of(copy).removeprefix("worker-") in self.slow else GOOD

    def look(self, copy: str) -> CopyLook:
        """Return what is measured of a copy over the last five seconds."""
        now = NOON + timedelta(seconds=self.seconds)
        value = self.latency(copy) if copy in self.serving else None
        return CopyLook(now.timestamp() - 5, 5, 1000 if value else 0, (judged(self.service, value),))

    # What the operator does

    def act(self, most: int) -> None:
        """Decide, and carry out so many of the actions; then the operator is gone, and another one looks anew."""
        decision = reconcile(self.service, self.snapshot, NOON + timedelta(seconds=self.seconds))
        for claim in decision.claims:
            self.ledger.restore(claim)
        kept = {claim.key for claim in decision.claims}
        for claim in self.ledger.claims_of(self.service.metadata.uid):
            if claim.key not in kept:
                self.ledger.release(self.service.metadata.uid)
                for again in decision.claims:
                    self.ledger.restore(again)
        for action in decision.actions[:most]:
            self.carry_out(action)

    def carry_out(self, action: Action) -> None:
        """Carry an action out, as an API server does."""
        match action:
            case WriteStatus(_, status):
                told = AIServiceStatus.model_validate(status)
                self.service = self.service.model_copy(update={"status": told})
            case Apply(body):
                child = a_child(body)
                self.children[child.reference.kind, child.reference.name] = child
                if child.copy:
                    self.ready.setdefault(child.copy, False)
            case Delete(target):
                self.delete(target.kind, target.name)
            case _:
                pass

    def delete(self, kind: str, name: str) -> None:
        """Delete a child; a copy that answers goes only while another one does."""
        child = self.children[kind, name]
        if child.copy:
            others = self.serving - {child.copy}
            answering = {copy for copy in others if self.ready.get(copy)}
            assert answering or not self.ready[child.copy], f"the last ready copy was deleted: {self.service.status}"
            del self.ready[child.copy]
            self.serving = others
        del self.children[kind, name]

    # What happens

    @rule(most=st.sampled_from([0, 1, 2, 3, 99]))
    def reconcile(self, most: int) -> None:
        """The operator looks; it may crash in the middle."""
        self.act(most)

    @rule(ready=st.booleans(), place=st.integers(0, 1))
    def pod_turns(self, place: int, *, ready: bool) -> None:
        """A pod becomes ready, or fails."""
        copies = sorted(self.ready)
        if place < len(copies):
            self.ready[copies[place]] = ready
            if not ready:
                self.serving -= {copies[place]}

    @rule()
    def endpoints_follow(self) -> None:
        """The endpoints are those that the Service asks for."""
        front = self.children.get(("Service", "plates"))
        selector: dict[str, Any] = dict(front.body["spec"]["selector"]) if front else {}
        alone = selector.get(COPY_LABEL)
        self.serving = frozenset(copy for copy, ready in self.ready.items() if ready and alone in (None, copy))

    @rule(seconds=st.sampled_from([1.0, 7.0, 21.0, 61.0, 125.0]))
    def time_passes(self, seconds: float) -> None:
        """Time passes."""
        self.seconds += seconds

    @rule(node=nodes)
    def node_turns_slow(self, node: str) -> None:
        """A node becomes slow, or fast again."""
        self.slow ^= {node}

    @rule()
    def contract_breaks_where_it_serves(self) -> None:
        """The nodes that serve become slow and all others fast, for long enough that all that follows is over."""
        self.slow = {placement.node for placement in self.service.status.placements}
        self.settle()

    @rule(node=nodes)
    def somebody_cordons(self, node: str) -> None:
        """A node is cordoned, or no longer."""
        self.cordoned ^= {node}

    @rule(number=st.integers(1, 3))
    def user_edits(self, number: int) -> None:
        """The image is another one."""
        workload = {"image": f"plates:{number}", "replicas": 1, "resources": {"cpu": 2, "memory": "4Gi"}}
        annotations = self.service.metadata.annotations
        self.service = annotated(changed(self.service, qos=QOS, migration=BOUNDS, workload=workload), **annotations)

    @rule(node=st.sampled_from([*NAMES, "any"]))
    def person_asks(self, node: str) -> None:
        """A person asks for a move."""
        self.asked += 1
        self.service = annotated(self.service, **{MIGRATE_TO: f"{node}#{self.asked}"})

    @precondition(lambda self: self.move is not None)
    @rule()
    def person_ends_it(self) -> None:
        """A person ends the move."""
        assert self.move is not None
        self.asked += 1
        self.service = annotated(self.service, **{ABORT: f"{self.move.id}#{self.asked}"})

    # What holds

    @invariant()
    def at_most_one_copy_beside_the_one_that_serves(self) -> None:
        """No move surges by more than one set of targets."""
        if hasattr(self, "children"):
            assert len(self.ready) <= 2, self.service.status.migration

    @invariant()
    def nobody_goes_back_and_forth(self) -> None:
        """Two moves for the contract in a row do not lead back within the hour."""
        if not hasattr(self, "service"):
            return
        done = [each for each in self.service.status.migrations if each.result == "Completed"]
        for first, second in pairwise(done):
            measured = (first.trigger, second.trigger) == ("LatencyBreached", "LatencyBreached")
            assert not (measured and second.to == first.source), done

    def settle(self) -> None:
        """Let all that was begun come to its end."""
        for _ in range(16):
            self.ready = dict.fromkeys(self.ready, True)
            self.endpoints_follow()
            self.act(99)
            self.seconds += 21.0

    def teardown(self) -> None:
        """Every move ends once the world is quiet, and what is left is what is placed."""
        if not hasattr(self, "service"):
            return
        self.slow.clear()
        self.settle()
        assert self.move is None
        assert set(self.ready) == {each.copy_id for each in self.service.status.placements}
        assert self.serving == set(self.ready)
        before = self.service.status
        self.act(99)
        assert self.service.status == before, "nothing is written without need"


Moving.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestMoves = Moving.TestCase
