"""The documents of the project, taken apart: links, headings, tables, blocks, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
_ROW = re.compile(r"^\|(?P<cells>.+)\|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its info string, such as ``yaml partial``, and what stands in it."""

    language: str
    body: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document, by its path below the root of the project."""

    name: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return ROOT / self.name

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """All of it but the fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def blocks(self) -> list[Block]:
        """Its fenced blocks."""
        return [Block(found["language"].strip(), found["body"]) for found in _FENCE.finditer(self.text)]

    @property
    def headings(self) -> list[str]:
        """Its headings, of all levels."""
        return _HEADING.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """What a link can point to in it, as GitHub makes it of the headings."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in self.headings}

    @property
    def links(self) -> list[str]:
        """Targets of its links and pictures."""
        return _LINK.findall(_INLINE.sub("", self.prose))

    @property
    def code(self) -> list[str]:
        """What stands in it as inline code."""
        return _INLINE.findall(self.prose)

    def table(self, heading: str) -> list[list[str]]:
        """Rows of the first table whose first column is headed ``heading``, without their head."""
        rows = [split(found["cells"]) for found in _ROW.finditer(self.prose)]
        start = next((at for at, row in enumerate(rows) if row[0] == heading), None)
        assert start is not None, f"{self.name} has no table with the heading {heading!r}"
        return list(_until_next_head(rows[start + 2 :]))

    def commands(self) -> Iterator[str]:
        """Commands that it shows, in blocks and inline, without their prompts and comments."""
        shown = [line for block in self.blocks if block.language in {"console", "bash", "sh"} for line in lines(block)]
        for line in (*shown, *self.code):
            yield re.sub(r"\s+#.*$", "", line.removeprefix("$ ")).strip()


def lines(block: Block) -> list[str]:
    """The commands of a block: those with a prompt where there are any, else all."""
    every = block.body.replace("\\\n", " ").splitlines()
    return [line for line in every if line.startswith("$ ")] or every


def split(cells: str) -> list[str]:
    """Cells of a row; a pipe behind a backslash is text."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", cells)]


def _until_next_head(rows: list[list[str]]) -> Iterator[list[str]]:
    """Yield rows until one that is followed by a line of dashes: the head of the next table."""
    for row, after in zip(rows, [*rows[1:], [""]], strict=True):
        if set(after[0]) == {"-"}:
            return
        yield row


@cache
def documents() -> tuple[Document, ...]:
    """All documents of the project."""
    paths = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
    return tuple(Document(path.relative_to(ROOT).as_posix()) for path in paths)
