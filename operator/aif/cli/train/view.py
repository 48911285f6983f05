"""How far a training job is, for people: a bar, figures, roles, clients, contract, what is amiss, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from aif.cli.figures import ABSENT, accuracy, optional, plural
from aif.cli.output import grid
from aif.cli.si import si
from aif.cli.train.chart import spark
from aif.cli.train.report import COMPLETE, FAILED

Json = dict[str, Any]

STATES: Final = {
    "Training": "bold green",
    COMPLETE: "bold green",
    FAILED: "bold red",
    "Paused": "bold yellow",
    "Preempted": "bold yellow",
    "Suspended": "bold yellow",
}
_CLIENTS: Final = {
    "Live": "green",
    "Succeeded": "green",
    "Lost": "yellow",
    "Absent": "yellow",
    "Excluded": "red",
    "Failed": "red",
}
_FINE: Final = frozenset({"Live", "Succeeded"})
_VERDICTS: Final = {"Met": "green", "Breached": "bold red"}
_GOOD: Final = frozenset({"Ready", "Accepted", "Placed", "QuorumReady"})
_BAD: Final = frozenset({"Degraded", "ThresholdAlarm", "Stalled", "Suspended", "ApprovalRequired", FAILED, COMPLETE})
_BAR: Final = 40
_MINUTE, _HOUR = 60, 3600
_SHOWN_NODES: Final = 3
_SHOWN_CLIENTS: Final = 20


def view(structure: Json, screen: Console) -> RenderableType:
    """Return the report for a screen."""
    parts: list[RenderableType] = [heading(structure)]
    if structure["rounds"] and structure["mode"] != "Compression":
        parts.append(bar(structure, screen))
    parts += figures(structure, screen)
    tables = (_roles(structure["roles"]), _clients(structure["clients"]), _contract(structure["qos"]))
    for table in tables:
        parts += [Text(), table] if table is not None else []
    told = [*_rejected(structure["rejected"]), *_conditions(structure), *_result(structure["result"])]
    parts += [Text(), *told] if told else []
    parts += [Text(f"note: {note}", style="yellow") for note in structure["notes"]]
    return Group(*parts, *_next(structure))


def heading(structure: Json) -> Text:
    """Return which job it is, and what it is at."""
    run = f", run {structure['run']}" if (structure["run"] or 0) > 1 else ""
    state = structure["state"]
    name = structure["job"]["name"]
    return Text.assemble((name, "bold"), f" ({structure['mode']}): ", (state, STATES.get(state, "yellow")), run)


def bar(structure: Json, screen: Console) -> RenderableType:
    """Return the rounds that are done of all, with a bar on a terminal, and the time that remains."""
    done, rounds = structure["round"], structure["rounds"]
    left = structure["remainingSeconds"]
    remains = f", about {span(left)} left" if left and structure["state"] not in (COMPLETE, FAILED) else ""
    told = Text(f"round {done} of {rounds}{remains}")
    if not screen.is_terminal:
        return told
    row = Table.grid(padding=(0, 1))
    row.add_row(ProgressBar(total=max(1, rounds), completed=done, width=_BAR), told)
    return row


def figures(structure: Json, screen: Console) -> Iterator[Text]:
    """Yield accuracy, clients, traffic and energy, a line each, as far as they are known."""
    if structure["accuracyBasisPoints"] is not None or structure["targetAccuracyBasisPoints"] is not None:
        yield Text(_accuracy(structure, screen))
    if structure["expected"]:
        answered = f", {structure['answered']} answered the last round" if structure["round"] else ""
        yield Text(f"clients   {structure['live']} of {structure['expected']} are attached{answered}")
    if structure["tasks"]:
        tasks = [f"{one['name']}: {one['state']}" for one in structure["tasks"]]
        yield Text(f"tasks     {', '.join(tasks)}")
    if structure["transferredBytes"] is not None:
        expected = structure["expectedBytes"]
        of = f" of about {si(expected, 'B')} that all rounds take" if expected is not None else ""
        yield Text(f"traffic   {si(structure['transferredBytes'], 'B')}{of}")
    if structure["millijoules"] is not None:
        yield Text(f"energy    {si(structure['millijoules'] / 1000, 'J')}, by the model of the planner")
    if structure["measuredAt"]:
        yield Text(f"as told at {_clock(structure['measuredAt'])} UTC by {_teller(structure)}", style="dim")


def _teller(structure: Json) -> str:
    return "the pod itself" if structure["source"] == "pod" else "the operator"


def _accuracy(structure: Json, screen: Console) -> str:
    known, target = structure["accuracyBasisPoints"], structure["targetAccuracyBasisPoints"]
    points = structure["history"]
    best = next((one.get("accuracyBasisPoints") for one in points if one["round"] == structure["bestRound"]), None)
    more = [f"best {accuracy(best)} in round {structure['bestRound']}"] if best is not None else []
    more += [f"target {accuracy(target)}"] if target is not None else []
    course = spark([one["accuracyBasisPoints"] for one in points if one.get("accuracyBasisPoints") is not None])
    drawn = f"  {course}" if course and screen.encoding.lower().startswith("utf") else ""
    return f"accuracy  {', '.join([optional(known, accuracy), *more])}{drawn}"


def span(seconds: int) -> str:
    """Return a time in its two largest units, such as ``5 min 40 s``."""
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min {seconds % _MINUTE} s"
    return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"


def _clock(time: str) -> str:
    return f"{datetime.fromisoformat(time):%Y-%m-%d %H:%M:%S}"


def _roles(roles: Sequence[Json]) -> Table | None:
    if not roles:
        return None
    split = any(role.get("cut") for role in roles)
    table = grid("ROLE", "READY", "FAILED", "NODES", "VARIANT", "SCORE", *(("CUT", "TERMINALS") if split else ()))
    for role in roles:
        places = role["placements"]
        ready = Text(f"{role['ready']}/{role['pods']}", style="" if role["ready"] == role["pods"] else "yellow")
        failed = Text(str(role["failed"]), style="yellow" if role["failed"] else "")
        variants = ", ".join(dict.fromkeys(place["variant"] for place in places)) or ABSENT
        score = str(min(place["score"] for place in places)) if places else ABSENT
        cut = [role.get("cut") or ABSENT, optional(role.get("clients"), str)] if split else []
        table.add_row(Text(role["name"], style="bold"), ready, failed, _places(role), variants, score, *cut)
    return table


def _places(role: Json) -> str:
    places = [
        f"{place['node']} ({place['tier']}{', x' + str(place['pods']) if place['pods'] > 1 else ''})"
        for place in role["placements"]
    ] or list(role.get("nodes", ()))
    more = [f"and {len(places) - _SHOWN_NODES} more"] if len(places) > _SHOWN_NODES else []
    return ", ".join([*places[:_SHOWN_NODES], *more]) or ABSENT


def _clients(clients: Sequence[Json]) -> Table | None:
    if not clients:
        return None
    # Of many clients those are of interest that do not simply learn.
    first = sorted(clients, key=lambda client: client["state"] in _FINE)[:_SHOWN_CLIENTS]
    table = grid("CLIENT", "NODE", "POD", "STATE", "WHY")
    for client in sorted(first, key=clients.index):
        state = Text(client["state"], style=_CLIENTS.get(client["state"], ""))
        cells = (client["node"] or ABSENT, client["phase"] or ABSENT, state, client["message"] or ABSENT)
        table.add_row(Text(client["name"], style="bold"), *cells)
    if len(clients) > len(first):
        table.add_row(Text(f"and {len(clients) - len(first)} more", style="dim"))
    return table


def _contract(qos: Sequence[Json]) -> Table | None:
    if not qos:
        return None
    table = grid("CONTRACT", "PROMISED", "EXPECTED", "SO FAR", "VERDICT")
    for one in qos:
        cells = (_in_unit(one["dimension"], one.get(value)) for value in ("target", "predicted", "measured"))
        table.add_row(one["dimension"], *cells, Text(one["verdict"], style=_VERDICTS.get(one["verdict"], "")))
    return table


_UNITS: Final[Mapping[str, Callable[[int], str]]] = {
    "time": span,
    "transfer": lambda value: si(value, "B"),
    "storage": lambda value: si(value, "B"),
    "accuracy": accuracy,
    "energy": lambda value: si(value * 1000, "J"),
    "compute": lambda value: si(value, "FLOP/s"),
}
"""How a value of each dimension of a job's contract reads: seconds, bytes, hundredths of a per cent, kilojoules."""


def _in_unit(dimension: str, value: int | None) -> str:
    return optional(value, _UNITS.get(dimension, str))


def _rejected(rejected: Sequence[Json]) -> Iterator[Text]:
    for one in rejected:
        nearest = f"; nearest is {one['nearest']}" if one.get("nearest") else ""
        needs = f": needs {one['required']}, has {one['available']}" if one.get("required") else ""
        refused = f"{plural(one['count'], 'node')} refused: "
        yield Text.assemble(refused, (one["reason"], "red"), f"{nearest}{needs}")


def amiss(structure: Json) -> list[Json]:
    """Return the conditions that say more than that all is well, each message once."""
    told = [
        one
        for one in structure["conditions"]
        if (one["type"] in _GOOD and one["status"] != "True") or (one["type"] in _BAD and one["status"] == "True")
    ]
    first: dict[tuple[str, str], Json] = {}
    for one in sorted(told, key=lambda one: one["type"] == "Ready"):
        first.setdefault((one["reason"], one["message"]), one)
    return list(first.values())


def _conditions(structure: Json) -> Iterator[Text]:
    for one in amiss(structure):
        style = "green" if one["type"] == COMPLETE else "red" if one["type"] == FAILED else "yellow"
        no = "" if one["status"] == "True" else "not " if one["status"] == "False" else "not known whether "
        message = f": {one['message']}" if one["message"] else ""
        yield Text.assemble((f"{no}{one['type']}", style), f", {one['reason']}{message}")


def _result(result: Json | None) -> Iterator[Text]:
    if result is not None:
        reached = result.get("accuracyBasisPoints")
        judged = f", accuracy {accuracy(reached)}" if reached is not None else ""
        round_told = f" of round {result['round']}" if result["round"] else ""
        yield Text.assemble(
            "result", f"{round_told}: ", (result["path"], "bold"), f" on claim {result['claimName']}{judged}"
        )
        if result.get("digest"):
            yield Text(f"digest: {result['digest']}")


def _next(structure: Json) -> Iterator[Text]:
    """Yield what a person may do now, where there is something."""
    name, about = structure["job"]["name"], f"{structure['job']['name']} -n {structure['job']['namespace']}"
    plan = structure["plan"]
    match structure["state"]:
        case _ if plan is not None:
            yield Text(f"Approve it: aif approve tj/{about} --token {plan['token']}")
        case "Suspended":
            patch = '{"spec":{"suspend":false}}'
            yield Text(f"Take it up again: kubectl patch tj {about} --type merge -p '{patch}'")
        case "Failed":
            yield Text(f"Look why: aif train logs {about}; a spec stands fast: delete {name}, mend it, create it anew")
        case "Paused" | "Starting":
            yield Text(f"Look why: aif train logs {about}")


def line(structure: Json) -> str:
    """Return how far the job is in a line for a log."""
    done = f"round {structure['round']}/{structure['rounds']}"
    parts = [structure["state"], *([done] if structure["mode"] != "Compression" else [])]
    if structure["expected"]:
        parts.append(f"clients {structure['live']}/{structure['expected']}")
    if structure["accuracyBasisPoints"] is not None:
        parts.append(f"accuracy {accuracy(structure['accuracyBasisPoints'])}")
    if structure["remainingSeconds"] and structure["state"] not in (COMPLETE, FAILED):
        parts.append(f"about {span(structure['remainingSeconds'])} left")
    wrong = [f"{one['type']}: {one['reason']}" for one in amiss(structure) if one["type"] not in (COMPLETE, FAILED)]
    return ", ".join(parts) + (f" ({'; '.join(wrong)})" if wrong else "")
