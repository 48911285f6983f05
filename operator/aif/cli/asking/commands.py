"""What `aif approve`, `migrate` and `abort` do: they set annotations, and show what the operator makes of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from aif.api.aiservice import AIService
from aif.api.aiservice_status import Plan
from aif.api.migration_status import Phase
from aif.cli import live
from aif.cli.asking import jobs
from aif.cli.asking import preview as move_preview
from aif.cli.live import Access
from aif.cli.moves import moves
from aif.cli.moves import view as moves_view
from aif.cli.moves.moves import End, Pursuit
from aif.cli.output import Output, console, errors, show
from aif.domain.annotations import ABORT, ANYWHERE, MIGRATE_TO
from aif.errors import InvalidInput
from aif.reconcile.approval import APPROVE
from aif.settings import Settings

DONE, FAILED, UNFINISHED, INTERRUPTED = 0, 1, 4, 130

_SERVICES = ("ais", "aiservice", "aiservices")
_JOBS = ("tj", "trainingjob", "trainingjobs")
"""Words for a kind, as kubectl knows them."""

SLACK_SECONDS = 90.0
"""Beyond what a service allows its move and the drain to take: a request waits for its turn, and pods linger."""

_STATUS: Mapping[End | None, int] = {
    End.COMPLETED: DONE,
    End.ROLLED_BACK: FAILED,
    End.REFUSED: FAILED,
    End.AWAITING_APPROVAL: UNFINISHED,
    None: UNFINISHED,
}


def approve(name: str, token: str, access: tuple[str, str, str], output: Output) -> None:
    """Approve what the operator proposes for a service, or for a training job; where a ``token`` is given, only that.

    Raises:
        AifError: There is nothing to approve, or something else by now, or the user may not.
    """
    where = Access(*access)
    kind, name = _typed(name)
    if kind in _JOBS:
        jobs.approve(name, token, where, output)
        return
    service = live.service(where, name)
    plan = _proposal(service, token)
    live.annotate(where, service, {APPROVE: plan.token or ""})
    structure = {
        "service": {"namespace": service.metadata.namespace, "name": name},
        "request": {APPROVE: plan.token},
        "plan": plan.to_dict(),
    }
    steps = ", ".join(plan.waits_for)
    told = f"Approved: {name} may take {plan.node} as variant {plan.variant} ({steps}; {APPROVE}={plan.token})"
    advice = f"See how it goes: aif explain {name} -n {service.metadata.namespace}"
    show(structure, output, lambda _: Text(f"{told}\n{advice}"))


def _typed(name: str) -> tuple[str, str]:
    """Return kind and name of ``tj/digits``; without a kind, the kind of services."""
    kind, _, rest = name.rpartition("/")
    if (kind or "ais").lower() not in (*_JOBS, *_SERVICES) or not rest:
        raise InvalidInput(f"{name}: give the name of an AIService, or tj/NAME for a TrainingJob")
    return (kind or "ais").lower(), rest


def _proposal(service: AIService, token: str) -> Plan:
    name, plan = service.metadata.name, service.status.plan
    if plan is None or plan.token is None:
        raise InvalidInput(f"{name} waits for no approval: `aif explain {name}` says how it stands")
    if token not in ("", plan.token):
        raise InvalidInput(
            f"--token: {token} is not what is proposed for {name}, but {plan.token} ({plan.node} as variant "
            f"{plan.variant}): look at `aif explain {name}`, then approve that"
        )
    return plan


def preview(name: str, to: str, access: tuple[str, str, str], output: Output) -> int:
    """Print what the operator would answer to a request to move, by what the user may read; return the exit status.

    Raises:
        AifError: Something of it cannot be read.
    """
    where = Access(*access)
    service = live.service(where, name)
    network, services = live.network(where)
    policy = Settings.from_environ(os.environ).policy
    found = move_preview.decide(service, to or ANYWHERE, network, services, policy, datetime.now(UTC))
    structure = move_preview.report(found)
    show(structure, output, lambda screen: move_preview.view(found, screen))
    return _STATUS[found.end]


def migrate(name: str, to: str, access: tuple[str, str, str], output: Output, *, watch: bool) -> int:
    """Ask for a move, and ``watch`` it to its end; return the exit status.

    Raises:
        AifError: The service is not there, the user may not, or the API server does not answer.
    """
    where = Access(*access)
    service = live.service(where, name)
    value = moves.request(to or ANYWHERE, datetime.now(UTC))
    pursuit = Pursuit(value, moves.last_number(service))
    return _ask(where, service, {MIGRATE_TO: value}, pursuit, output, watch=watch)


def abort(name: str, access: tuple[str, str, str], output: Output, *, watch: bool) -> int:
    """Ask for the end of a move, and ``watch`` for it; return the exit status: 0 only where it was taken back.

    Raises:
        AifError: Nothing moves, or there is no way back, or the user may not.
    """
    where = Access(*access)
    service = live.service(where, name)
    move = service.status.migration
    if move is None:
        raise InvalidInput(f"{name} does not move: `aif history {name}` tells of its last moves")
    if move.phase is Phase.SOURCE_DRAINING:
        raise InvalidInput(
            f"move {move.id} of {name} cannot be taken back: the old copy drains already. When it is over, "
            f"`aif migrate {name} --to {move.sources[0].node}` moves it back"
        )
    value = moves.request(str(move.id), datetime.now(UTC))
    pursuit = Pursuit("", move.id, number=move.id)
    status = _ask(where, service, {ABORT: value}, pursuit, output, watch=watch)
    return {DONE: FAILED, FAILED: DONE}.get(status, status) if watch else status


def _ask(
    where: Access,
    service: AIService,
    asked: Mapping[str, str],
    pursuit: Pursuit,
    output: Output,
    *,
    watch: bool,
) -> int:
    seen = live.annotate(where, service, asked)
    interrupted = False
    if watch:
        follower = Follower(seen, pursuit, console() if output is Output.TABLE else errors())
        interrupted = not follower.follow(where, _longest(service))
        seen, pursuit = follower.seen, follower.pursuit
    name = service.metadata.name
    told = moves_view.end(pursuit, name, _advice(seen, pursuit))
    show(moves.report(seen, pursuit, asked), output, lambda _: told)
    if not watch:
        return DONE
    return INTERRUPTED if interrupted else _STATUS[pursuit.end]


def _longest(service: AIService) -> float:
    return service.spec.migration.timeout_seconds + service.spec.migration.drain_seconds + SLACK_SECONDS


def _advice(service: AIService, pursuit: Pursuit) -> str:
    """Return what to do next; nothing where the move is over."""
    about = f"{service.metadata.name} -n {service.metadata.namespace}"
    match pursuit.end:
        case End.COMPLETED:
            return ""
        case End.AWAITING_APPROVAL:
            return f"Approve it: aif approve {about}"
        case End.ROLLED_BACK | End.REFUSED:
            return f"Why: aif history {about}; what else fits: aif migrate {about} --dry-run"
    if pursuit.number is None:
        return (
            f"The operator has not answered yet; what became of it: aif history {about}; whether it runs: "
            "kubectl get deployments -n aif-system"
        )
    return f"How it goes: aif explain {about}; end it: aif abort {about}"


class Follower:
    """Watches a request on a screen: phases that move on a terminal, else a line for each.

    Attributes:
        pursuit: How far the request has come.
        seen: The service as it was seen last.
    """

    def __init__(self, service: AIService, pursuit: Pursuit, screen: Console) -> None:
        self.pursuit = pursuit
        self.seen = service
        self._screen = screen
        self._told: Phase | None = None

    def follow(self, where: Access, seconds: float) -> bool:
        """Watch until the request has its answer and its end, or ``seconds`` are over; False where a person had enough.

        Raises:
            AifError: The service is gone, or the API server does not answer.
        """
        meta = self.seen.metadata
        named = Access(where.kubeconfig, where.context, meta.namespace)
        moving = Live(console=self._screen, get_renderable=self._shown) if self._screen.is_terminal else nullcontext()
        try:
            with moving:
                live.follow(named, meta.name, self._enough, seconds)
        except KeyboardInterrupt:
            return False
        return True

    def _shown(self) -> RenderableType:
        return moves_view.progress(self.pursuit, datetime.now(UTC))

    def _enough(self, service: AIService) -> bool:
        self.seen, self.pursuit = service, self.pursuit.with_seen(service)
        move = self.pursuit.move
        if move is not None and move.phase is not self._told and self.pursuit.end is None:
            if not self._screen.is_terminal:
                head = moves_view.heading(move).plain if self._told is None else ""
                lines = filter(None, (head, moves_view.line(self.pursuit)))
                self._screen.print("\n".join(lines), soft_wrap=True)
            self._told = move.phase
        return self.pursuit.end is not None
