"""The world as files describe it: services, compute nodes, and Nodes and Pods where they are given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from aif.api.aiservice import AIService
from aif.api.base import GROUP
from aif.api.computenode import ComputeNode
from aif.api.kinds import AISERVICE, COMPUTENODE, KINDS, TRAININGJOB
from aif.api.trainingjob import TrainingJob
from aif.cli.files.documents import Body, Document, read
from aif.cli.files.validation import Problem, parse, problems
from aif.domain.cluster import Node, Pod
from aif.errors import InvalidInput
from aif.gateways.kubernetes.pods import parse_pod
from aif.gateways.kubernetes.views import parse_node

_OWN: Final = {kind.name: kind for kind in KINDS}
_CORE: Final = {"Node", "Pod"}
_DEFAULT_NAMESPACE: Final = "default"

T = TypeVar("T")


class InvalidFiles(InvalidInput):
    """Files hold objects that an API server would refuse.

    Attributes:
        problems: Every fault that was found, in the order of the files.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the files hold.

    Attributes:
        services: AIServices in their order, without status: what was decided elsewhere does not count here.
        compute_nodes: ComputeNodes, with their status.
        nodes: Kubernetes Nodes.
        pods: Pods that have not ended.
        jobs: TrainingJobs, with their status.
        ignored: Number of objects of each other kind.
    """

    services: tuple[AIService, ...] = ()
    compute_nodes: tuple[ComputeNode, ...] = ()
    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    jobs: tuple[TrainingJob, ...] = ()
    ignored: tuple[tuple[str, int], ...] = ()


def load(paths: Iterable[str]) -> Inputs:
    """Return the objects in ``paths``.

    Raises:
        InvalidFiles: An object breaks a rule.
        InvalidInput: A path cannot be read, or holds no YAML.
    """
    documents = read(paths)
    faults = [*_all_problems(documents), *_duplicates(documents)]
    if faults:
        raise InvalidFiles(faults)
    ignored = Counter(document.kind for document in documents if document.kind not in _OWN.keys() | _CORE)
    return Inputs(
        services=tuple(_service(document) for document in _of(documents, AISERVICE.name)),
        compute_nodes=tuple(parse(_identified(document), ComputeNode) for document in _of(documents, COMPUTENODE.name)),
        nodes=tuple(_read(document, _node) for document in _of(documents, "Node")),
        pods=tuple(pod for document in _of(documents, "Pod") if (pod := _read(document, parse_pod)) is not None),
        jobs=tuple(
            parse(_identified(document, namespace=_namespace(document)), TrainingJob)
            for document in _of(documents, TRAININGJOB.name)
        ),
        ignored=tuple(ignored.items()),
    )


def _all_problems(documents: Iterable[Document]) -> Iterator[Problem]:
    for document in documents:
        if document.kind in _OWN:
            yield from problems(document, _OWN[document.kind])
        elif not document.kind:
            yield Problem(document.title, "kind", f"is required; {_known()}")
        elif document.api_version.startswith(f"{GROUP}/"):
            yield Problem(document.title, "kind", f"there is no {document.kind} in {GROUP}; {_known()}")
        elif document.kind in _CORE and not document.name:
            yield Problem(document.title, "metadata.name", "is required")


def _known() -> str:
    return f"kinds that count are {', '.join([*_OWN, *sorted(_CORE)])}"


def _duplicates(documents: Iterable[Document]) -> Iterator[Problem]:
    first: dict[tuple[str, str, str], Document] = {}
    for document in documents:
        namespace = "" if document.kind in {COMPUTENODE.name, "Node"} else _namespace(document)
        earlier = first.setdefault((document.kind, namespace, document.name), document)
        if earlier is not document and document.kind in _OWN.keys() | _CORE:
            yield Problem(document.title, "metadata.name", f"stands already in {earlier.title}")


def _of(documents: Iterable[Document], kind: str) -> Iterator[Document]:
    return (document for document in documents if document.kind == kind)


def _service(document: Document) -> AIService:
    identified = _identified(document, namespace=_namespace(document))
    return parse(Document(document.file, document.number, {**identified.body, "status": {}}), AIService)


def _node(body: Body) -> Node:
    """Return the Node; one that nobody has judged yet, as in a manifest written by hand, counts as ready."""
    node = parse_node(body)
    return node if "conditions" in (body.get("status") or {}) else replace(node, ready="True")


def _read(document: Document, parse_one: Callable[[Body], T]) -> T:
    try:
        return parse_one(document.body)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        fault = f"{type(error).__name__}: {error}"
        raise InvalidInput(f"{document.title}: cannot be read as a {document.kind} ({fault})") from error


def _identified(document: Document, **metadata: Any) -> Document:
    """Return ``document`` with what an API server adds to every object: a uid and a generation."""
    given = document.body["metadata"]
    uid = "/".join(filter(None, ("file", document.kind, metadata.get("namespace"), document.name)))
    completed = {"uid": uid, "generation": 1, **given, **metadata}
    return Document(document.file, document.number, {**document.body, "metadata": completed})


def _namespace(document: Document) -> str:
    metadata = document.body.get("metadata")
    return (metadata.get("namespace") if isinstance(metadata, dict) else None) or _DEFAULT_NAMESPACE
