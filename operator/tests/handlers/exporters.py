"""A source of metrics whose answers a test sets, by the first word of each query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from aif.contract.answers import Row
from aif.errors import Unavailable


@dataclass(frozen=True)
class Told:
    """A row of a vector."""

    value: float
    labels: dict[str, str]


@dataclass
class FakeExporters:
    """Answers each query by its first word; ``sampled`` is a moment ago for all rows unless it is set.

    Attributes:
        rows: Rows by first word.
        age: Age of the samples in seconds.
        down: Whether there is no answer.
    """

    rows: dict[str, list[Told]] = field(default_factory=dict)
    age: float = 5.0
    down: bool = False
    asked: list[str] = field(default_factory=list)

    async def query(self, expression: str, at: float) -> Sequence[Row]:
        """Answer by the first word."""
        self.asked.append(expression)
        if self.down:
            raise Unavailable("no answer")
        word = expression.split(maxsplit=1)[0]
        if word.startswith("sampled-"):
            scope = word.removeprefix("sampled-")
            return [
                Told(at - self.age, row.labels)
                for name, rows in self.rows.items()
                if name.startswith(scope)
                for row in _once(rows)
            ]
        return self.rows.get(word, [])


def _once(rows: list[Told]) -> list[Told]:
    return list({tuple(sorted(row.labels.items())): row for row in rows}.values())
