"""How far a training job is, as a structure for programs: of its status, of its pods, and of what its leader tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Final

from aif.api.conditions import Condition
from aif.api.trainingjob import Mode, TrainingJob
from aif.api.trainingjob_status import JobProgress
from aif.cli.train.pods import CLIENT, RolePod, Seen

Json = dict[str, Any]

COMPLETE: Final = "Complete"
FAILED: Final = "Failed"
PENDING: Final = "Pending"

_BASIS_POINTS: Final = 10_000
_LIVE: Final = "Live"
_ABSENT: Final = "Absent"


def report(seen: Seen) -> Json:
    """Return what there is to say of a job."""
    job, told = seen.job, _told(seen)
    meta, status = job.metadata, job.status.to_dict()
    return {
        "job": {"namespace": meta.namespace, "name": meta.name},
        "mode": job.spec.mode.value,
        "state": state(job),
        "source": "pod" if seen.page is not None else "status",
        "run": job.status.run,
        **told,
        "targetAccuracyBasisPoints": job.spec.stop.target_accuracy_basis_points,
        "roles": _roles(job),
        "clients": _clients(job, seen.pods, _named(seen)),
        "qos": status["qos"],
        "conditions": status["conditions"],
        "rejected": status["rejected"],
        "plan": status.get("plan"),
        "result": status.get("result"),
        "history": history(seen),
        "notes": list(seen.notes),
    }


def state(job: TrainingJob) -> str:
    """Return what the job is at, in a word."""
    for end in (COMPLETE, FAILED):
        told = condition(job, end)
        if told is not None and told.status == "True":
            return end
    summary = job.status.summary
    return (summary.state if summary is not None else "") or PENDING


def over(job: TrainingJob) -> bool:
    """Tell whether the job has come to its end."""
    return state(job) in (COMPLETE, FAILED)


def condition(job: TrainingJob, kind: str) -> Condition | None:
    """Return a condition of the job; None where it has none of this type."""
    return next((each for each in job.status.conditions if each.type == kind), None)


def _told(seen: Seen) -> Json:
    progress = seen.job.status.progress
    known = progress.to_dict() if progress is not None else {}
    figures = {
        "phase": known.get("phase"),
        "epoch": known.get("epoch", 0),
        "round": known.get("round", 0),
        "rounds": known.get("rounds", seen.job.spec.rounds.max),
        "live": known.get("live", 0),
        "answered": known.get("answered", 0),
        "expected": seen.job.client_count,
        "accuracyBasisPoints": known.get("accuracyBasisPoints"),
        "bestRound": known.get("bestRound"),
        "remainingSeconds": known.get("remainingSeconds"),
        "transferredBytes": known.get("transferredBytes"),
        "expectedBytes": known.get("expectedBytes"),
        "millijoules": known.get("millijoules"),
        "measuredAt": known.get("measuredAt"),
        "tasks": known.get("tasks", []),
    }
    return figures | (_of_page(seen.page, seen.at.isoformat()) if seen.page is not None else {})


def _of_page(page: Mapping[str, Any], at: str) -> Json:
    """Return what the leader tells; whoever sends it may be anybody, so what is no figure is left out."""
    clients, traffic = _map(page.get("clients")), _map(page.get("trafficBytes"))
    sent, received = _count(traffic.get("sent")), _count(traffic.get("received"))
    figures = {
        "epoch": _count(page.get("epoch")),
        "round": _count(page.get("round")),
        "rounds": _count(page.get("rounds")),
        "live": _count(clients.get("live")),
        "answered": _count(clients.get("answered")),
        "accuracyBasisPoints": _count(page.get("accuracyBasisPoints")),
        "bestRound": _count(page.get("bestRound")) or None,
        "remainingSeconds": _count(page.get("remainingSeconds")),
        "transferredBytes": None if sent is None or received is None else sent + received,
        "phase": str(page.get("phase"))[:64] if page.get("phase") else None,
    }
    return {name: value for name, value in figures.items() if value is not None} | {"measuredAt": at}


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _roles(job: TrainingJob) -> list[Json]:
    """Return the roles with their places; before there are pods, those that were placed."""
    status = job.status.to_dict()
    places: dict[str, list[Json]] = {}
    for place in status["placements"]:
        places.setdefault(place["role"], []).append({name: place[name] for name in place if name != "role"})
    made = {role["name"]: role for role in status["roles"]}
    names = [*made, *(name for name in places if name not in made)]
    return [
        {"name": name, "pods": sum(place["pods"] for place in places.get(name, ())), "ready": 0, "failed": 0}
        | made.get(name, {})
        | {"placements": places.get(name, [])}
        for name in names
    ]


def _named(seen: Seen) -> Mapping[str, tuple[str, str]]:
    """Return the clients of which there is something to tell: their state, and why."""
    progress: JobProgress | None = seen.job.status.progress
    known = {client.name: (client.state, client.message) for client in (progress.clients if progress else ())}
    if seen.page is None:
        return known
    lost = {str(name): ("Lost", str(why)) for name, why in _map(seen.page.get("lost")).items()}
    return lost | {str(name): ("Excluded", str(why)) for name, why in _map(seen.page.get("excluded")).items()}


def _clients(job: TrainingJob, pods: Sequence[RolePod] | None, named: Mapping[str, tuple[str, str]]) -> list[Json]:
    """Return a row per client: of each pod that counts, and of those that are but named."""
    latest = {pod.title: pod for pod in pods or () if pod.role == CLIENT}
    expected = [f"{CLIENT}-{number}" for number in range(job.client_count)] if latest else []
    rows = [_client(title, pod, named.get(title)) for title, pod in latest.items()]
    rows += [
        {"name": name, "pod": None, "node": None, "phase": None, "state": told, "message": why}
        for name, (told, why) in (dict.fromkeys(expected, (_ABSENT, "")) | dict(named)).items()
        if name not in latest
    ]
    return rows if job.spec.mode in (Mode.FEDERATED, Mode.SPLIT, Mode.TWO_LEVEL) else []


def _client(title: str, pod: RolePod, told: tuple[str, str] | None) -> Json:
    state, why = told or (_LIVE if pod.ready else pod.phase, pod.why)
    return {
        "name": title,
        "pod": pod.name,
        "node": pod.node or None,
        "phase": pod.phase,
        "state": state,
        "message": why,
    }


def history(seen: Seen) -> list[Json]:
    """Return the rounds of the past, each with its accuracy and, where the leader was asked, with all its metrics."""
    told = seen.page.get("history") if seen.page is not None else None
    if isinstance(told, list):
        return [_point(_map(entry)) for entry in told if _count(_map(entry).get("round")) is not None]
    progress = seen.job.status.progress
    return [{**point.to_dict(), "metrics": {}} for point in (progress.history if progress is not None else ())]


def _point(entry: Mapping[str, Any]) -> Json:
    metrics = {name: float(value) for name, value in entry.items() if name != "round" and _is_figure(value)}
    point: Json = {"round": entry["round"]}
    if "accuracy" in metrics:
        point["accuracyBasisPoints"] = round(metrics["accuracy"] * _BASIS_POINTS)
    return {**point, "metrics": metrics}


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def metric(points: Iterable[Json], name: str) -> list[tuple[int, float]]:
    """Return a metric by round: ``accuracy`` in per cent, others as they were told."""
    if name == "accuracy":
        return [
            (point["round"], point["accuracyBasisPoints"] / 100)
            for point in points
            if point.get("accuracyBasisPoints") is not None
        ]
    return [(point["round"], point["metrics"][name]) for point in points if name in point["metrics"]]
