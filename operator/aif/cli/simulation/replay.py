"""A recording of the operator, decision after decision, each made again by the present code."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from aif.api.aiservice import AIService
from aif.api.trainingjob import TrainingJob
from aif.domain.cluster import ServiceView
from aif.domain.policy import Policy
from aif.errors import InvalidInput
from aif.gateways.journal import files
from aif.handlers.frames import (
    CLAIMS,
    JUDGED,
    NODES,
    PODS,
    POLICY,
    USERS,
    Json,
    Row,
    decode_row,
    place_of,
    renamed,
    renamed_claims,
    role_place_of,
    table_of,
)
from aif.handlers.recording import FORMAT
from aif.reconcile.copies import copy_id
from aif.reconcile.moving.state import destination
from aif.reconcile.placing import place
from aif.reconcile.rollout import variant_of
from aif.reconcile.snapshot import Snapshot
from aif.reconcile.training.course import select
from aif.reconcile.training.scene import JobSnapshot
from aif.scheduling.batch import decide
from aif.scheduling.node_table import NodeTable

_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Verdict:
    """One service, or one training job, in one decision, as recorded and as decided now.

    Attributes:
        at: When it was decided.
        kind: Batch, or Single for a service that was decided alone because it had a place before; Job for a job.
        service: Namespace and name.
        recorded, replayed: Places with node, variant, replicas and score, of a job with the role too; and the reason.
    """

    at: str
    kind: str
    service: str
    recorded: Json
    replayed: Json

    @property
    def same(self) -> bool:
        """Tell whether both are the same places for the same reason."""
        return all(self.recorded[part] == self.replayed[part] for part in ("places", "reason"))


@dataclass(frozen=True, slots=True)
class Read:
    """A line of a recording, and how much of its file has been read with it."""

    body: Json
    bytes_read: int


def lines(path: Path) -> Iterator[Read]:
    """Yield the lines of a file of a recording; one that was cut off at the end is left out.

    Raises:
        InvalidInput: The file cannot be read.
    """
    rest = b""
    try:
        for text, done in _text(path):
            *whole, rest = (rest + text).split(b"\n")
            for line in whole:
                yield Read(orjson.loads(line), done)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from error
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise InvalidInput(f"{path}: damaged ({error}); remove it to replay the others") from error


def _text(path: Path) -> Iterator[tuple[bytes, int]]:
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            done += len(chunk)
            yield inflate.decompress(chunk), done


def recording(folder: str) -> list[Path]:
    """Return the files of a recording; none where ``folder`` holds no recording."""
    path = Path(folder)
    return files(path) if path.is_dir() else []


class Replay:
    """The state of a recording, as far as it has been read."""

    def __init__(self) -> None:
        self._policy = Policy()
        self._parts: dict[str, Json] = {}
        self._rows: dict[str, Row] = {}
        self._services: dict[str, AIService] = {}
        self._jobs: dict[str, TrainingJob] = {}

    def take(self, line: Json, wanted: Wanted) -> list[Verdict]:
        """Return what becomes of the decision in ``line``, of the services that are wanted.

        Raises:
            InvalidInput: The recording is of a format that this program does not know.
        """
        if line["kind"] == "Start":
            self._start(line)
            return []
        self._follow(line)
        known = self._jobs if line["kind"] == "Job" else self._services
        names = {uid: _name(known[uid]) for uid in line["results"]}
        asked = [uid for uid, result in line["results"].items() if wanted.takes(names[uid], result)]
        if not asked:
            return []
        replayed = {"Batch": self._batch, "Job": self._job}.get(line["kind"], self._single)(line)
        return [
            Verdict(line["at"], line["kind"], names[uid], line["results"][uid], replayed.get(uid, _NOTHING))
            for uid in asked
        ]

    def _start(self, line: Json) -> None:
        if line["format"] != FORMAT:
            told = f"format {line['format']}, written by version {line['version']}; this program reads format {FORMAT}"
            raise InvalidInput(f"the recording is of {told}: replay it with that version")
        self._policy = POLICY.validate_python(line["policy"])
        self._parts, self._rows, self._services, self._jobs = {}, {}, {}, {}

    def _follow(self, line: Json) -> None:
        """Bring nodes and services to where they were when the decision of ``line`` was taken."""
        changed = line["nodes"].get("rows", {})
        for name, parts in changed.items():
            self._parts[name] = self._parts.get(name, {}) | parts
        fresh = {name: decode_row(self._parts[name]) for name in changed}
        order = line["nodes"].get("order", list(self._rows))
        self._rows = {name: fresh[name] if name in fresh else self._rows[name] for name in order}
        self._services |= {uid: AIService.model_validate(body) for uid, body in line.get("services", {}).items()}
        self._jobs |= {uid: TrainingJob.model_validate(body) for uid, body in line.get("jobs", {}).items()}

    def _batch(self, line: Json) -> dict[str, Json]:
        services = [self._services[uid] for uid in line["order"]]
        table = table_of(self._rows, _moment(line))
        batch = decide(services, table, self._policy, line["priorities"], barred=line["barred"])
        return {
            uid: {
                "places": [place_of(choice) for choice in found.choices],
                "reason": str(found.reason),
                "message": found.message,
            }
            for uid, found in batch.selections.items()
        }

    def _single(self, line: Json) -> dict[str, Json]:
        (uid,) = line["results"]
        told, copies = _unredacted(self._services[uid], line["unchanged"])
        table = table_of(renamed(self._rows, told, copies), _moment(line))
        outcome = place(told, _snapshot(line, table, told, copies, self._policy), _moment(line))
        selection = outcome.selection
        return {
            uid: {
                "places": [place_of(placement) for placement in destination(outcome.placements, outcome.migration)],
                "reason": str(selection.reason if selection else outcome.verdict.reason),
                "message": selection.message if selection else outcome.verdict.message,
            }
        }

    def _job(self, line: Json) -> dict[str, Json]:
        (uid,) = line["results"]
        snapshot = JobSnapshot(
            table=table_of(self._rows, _moment(line)),
            claims=CLAIMS.validate_python(line["claims"]),
            barred=frozenset(line["barred"]),
            policy=self._policy,
        )
        *_, found = select(self._jobs[uid], snapshot)
        if found is None:
            return {}
        places = [role_place_of(choice.placement) for choice in found.choices]
        return {uid: {"places": places, "reason": str(found.reason), "message": found.message}}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which decisions are made again: all, or those about a service, or those that took a node."""

    service: str = ""
    node: str = ""

    def takes(self, name: str, result: Json) -> bool:
        """Tell whether a decision about the service ``name`` is wanted."""
        of_service = self.service in ("", name, name.partition("/")[2])
        return of_service and (not self.node or any(place["node"] == self.node for place in result["places"]))


_NOTHING: Final[Json] = {"places": [], "reason": "NotDecided", "message": "nothing was decided"}


def _name(service: AIService | TrainingJob) -> str:
    return f"{service.metadata.namespace}/{service.metadata.name}"


def _moment(line: Json) -> datetime:
    return datetime.fromisoformat(line["at"])


def _unredacted(service: AIService, unchanged: Sequence[bool]) -> tuple[AIService, dict[str, str]]:
    """Return ``service`` whose copies bear the names that the recorded template gives them, and these names.

    A copy's name follows from its template, of which a recording holds only a part.
    """
    placements, copies = [], {}
    for placement, same in zip(service.status.placements, unchanged, strict=True):
        variant = variant_of(service, placement)
        name = copy_id(service, placement.node_name, variant) if same and variant else placement.copy_id
        copies[placement.copy_id] = name
        placements.append(placement.model_copy(update={"copy_id": name}))
    status = service.status.model_copy(update={"placements": placements})
    return service.model_copy(update={"status": status}), copies


def _snapshot(line: Json, table: NodeTable, service: AIService, copies: Mapping[str, str], policy: Policy) -> Snapshot:
    others = {node.name: node for node in NODES.validate_python(line["nodesBeside"])}
    pods = PODS.validate_python(line["pods"])
    return Snapshot(
        table=table,
        nodes={**others, **{host.name: host for host in table.hosts if host is not None}},
        view=ServiceView(pods=tuple(replace(pod, copy=copies.get(pod.copy, pod.copy)) for pod in pods)),
        claims=renamed_claims(CLAIMS.validate_python(line["claims"]), service.metadata.uid, copies),
        barred=frozenset(line["barred"]),
        may_move=line["mayMove"],
        judged=JUDGED.validate_python(line.get("judged")),
        users=USERS.validate_python(line.get("users")),
        policy=policy,
    )


def replay(files_: Iterable[Path], wanted: Wanted) -> Iterator[tuple[Path, int, list[Verdict]]]:
    """Yield, line by line, the file, how much of it has been read, and what becomes of the decision.

    Raises:
        InvalidInput: A file cannot be read.
    """
    for path in files_:
        state = Replay()
        for line in lines(path):
            try:
                verdicts = state.take(line.body, wanted)
            except (KeyError, TypeError, ValueError) as error:
                raise InvalidInput(f"{path}: no recording of decisions ({type(error).__name__}: {error})") from error
            yield path, line.bytes_read, verdicts
