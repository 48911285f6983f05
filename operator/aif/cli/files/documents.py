"""Objects read from YAML and JSON, each with the place where it stands, so that a fault can be found."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import yaml

from aif.errors import InvalidInput

STDIN: Final = "-"
SUFFIXES: Final = (".json", ".yaml", ".yml")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """One object.

    Attributes:
        file: Path as the user gave it; ``stdin`` for the standard input.
        number: Place in the file, from 1; all items of a List share that of the List.
        body: The object.
    """

    file: str
    number: int
    body: Body

    @property
    def kind(self) -> str:
        """Return the kind; empty where none is given."""
        return _text(self.body.get("kind"))

    @property
    def api_version(self) -> str:
        """Return the API version; empty where none is given."""
        return _text(self.body.get("apiVersion"))

    @property
    def name(self) -> str:
        """Return the object's name; empty where none is given."""
        metadata = self.body.get("metadata")
        return _text(metadata.get("name")) if isinstance(metadata, Mapping) else ""

    @property
    def title(self) -> str:
        """Return where the object stands and what it is, such as ``net.yaml, document 2 (AIService plates)``."""
        return f"{self.file}, document {self.number} ({' '.join(filter(None, (self.kind or 'no kind', self.name)))})"


def read(paths: Iterable[str]) -> list[Document]:
    """Return the objects in ``paths``: files, folders (their own files, by name), and ``-`` for the standard input.

    Raises:
        InvalidInput: A path cannot be read, or holds no YAML; the message names the file, and the line where known.
    """
    return [document for path in paths for file in _files(path) for document in _documents(file)]


def _files(path: str) -> list[str]:
    folder = Path(path)
    if path == STDIN or not folder.is_dir():
        return [path]
    files = sorted(str(file) for file in folder.iterdir() if file.suffix in SUFFIXES)
    if not files:
        raise InvalidInput(f"{path}: no file in this folder ends in {', '.join(SUFFIXES)}, and it is no recording")
    return files


def _documents(path: str) -> Iterator[Document]:
    file = "stdin" if path == STDIN else path
    try:
        bodies = list(yaml.load_all(content(path), StrictLoader))
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidInput(f"{file}{place(error)}") from error
    for number, body in enumerate(bodies, start=1):
        if body is not None:
            yield from _objects(file, number, body)


def content(path: str) -> str:
    """Return the text of a file, or of the standard input.

    Raises:
        InvalidInput: It cannot be read, or is no text.
    """
    try:
        return sys.stdin.read() if path == STDIN else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}; give a file, a folder, or - for the standard input") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path}: not UTF-8 text (byte {error.start}); give YAML or JSON") from error


def place(error: yaml.YAMLError | RecursionError) -> str:
    """Return where a text is no YAML, and why, to stand behind the name of its file."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f", line {mark.line + 1}, column {mark.column + 1}: {error.problem or 'not YAML'}"
    return ": nested too deeply" if isinstance(error, RecursionError) else f": {str(error).splitlines()[0]}"


def _objects(file: str, number: int, body: object) -> Iterator[Document]:
    if not isinstance(body, Mapping):
        raise InvalidInput(f"{file}, document {number}: {type(body).__name__} instead of an object with a kind")
    kind, items = _text(body.get("kind")), body.get("items")
    if kind.endswith("List") and isinstance(items, list):
        singular = kind.removesuffix("List")
        inherited = {"apiVersion": body.get("apiVersion"), "kind": singular} if singular else {}
        for item in items:
            yield from _objects(file, number, {**inherited, **item} if isinstance(item, Mapping) else item)
    else:
        yield Document(file, number, cast("Body", body))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class StrictLoader(yaml.SafeLoader):
    """YAML as Kubernetes reads it: a date is text, a key stands once in a mapping and is text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - as in the parent
        """Return the mapping; the parent would let the last of two equal keys win in silence."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:merge" and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
            seen.add(key.value if isinstance(key.value, str) else "")
        return super().construct_mapping(node, deep=deep)


StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
