"""What runs of `bench_moves.py` came to, kept in a file: an object in a line per run, and their sum.

A run whose generator itself was late says how busy the machine was, and nothing of moves: it is counted apart.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.table import Table

Json = dict[str, Any]

LATE_MS: Final = 1000.0
"""A generator of which every hundredth request began so much too late was kept from its work."""


@dataclass(slots=True)
class Total:
    """What one kind of clients sent to services that one strategy moved, over all runs."""

    sent: int = 0
    failed: int = 0
    cut: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, tally: Json) -> None:
        """Count what one run tells of these clients."""
        self.sent += tally["sent"]
        self.failed += tally["failed"]
        self.cut += tally["cut"]
        self.failures.update(tally["failures"])


@dataclass(slots=True)
class Account:
    """One strategy over all runs; clients by what they are, streams of different lengths apart."""

    runs: int = 0
    moves: int = 0
    clients: dict[str, Total] = field(default_factory=dict)

    @property
    def all(self) -> Total:
        """All clients together."""
        total = Total()
        for each in self.clients.values():
            total.sent, total.failed, total.cut = (
                total.sent + each.sent,
                total.failed + each.failed,
                total.cut + each.cut,
            )
            total.failures += each.failures
        return total


def write(path: Path, run: Json) -> None:
    """Append a run."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(run)}\n")


def read(path: Path) -> list[Json]:
    """Return all runs."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def total(runs: Iterable[Json]) -> dict[str, Account]:
    """Return the sums by strategy, in the order in which they first appear; those of late generators by that name."""
    found: dict[str, Account] = {}
    for run in runs:
        for lap in run["strategies"]:
            late = lateness(lap["clients"]) > LATE_MS
            account = found.setdefault(f"{lap['strategy']}, generator late" if late else lap["strategy"], Account())
            account.runs += 1
            account.moves += lap["moves"]
            for client, tally in lap["clients"].items():
                account.clients.setdefault(_named(client, run["load"]), Total()).add(tally)
    return found


def lateness(clients: Json) -> float:
    """Return how late the generator began requests, in milliseconds: the worst 99th percentile of its clients."""
    return max((float(each["lateMilliseconds"].get("p99", 0.0)) for each in clients.values()), default=0.0)


def _named(client: str, load: Json) -> str:
    return f"stream of {load['chunks'] * load['interval']:g} s" if client == "stream" else client


def told(accounts: dict[str, Account]) -> Json:
    """Return the sums for JSON."""
    return {
        name: {
            "runs": account.runs,
            "moves": account.moves,
            "sent": account.all.sent,
            "failed": account.all.failed,
            "clients": {
                client: {"sent": each.sent, "failed": each.failed, "failures": dict(each.failures), "cut": each.cut}
                for client, each in account.clients.items()
            },
        }
        for name, account in accounts.items()
    }


def table(accounts: dict[str, Account], machines: Iterable[str]) -> Table:
    """Return the sums for people: a row per strategy and kind of clients, and one for all of them."""
    columns = ("strategy", "runs", "moves", "clients", "sent", "failed", "how", "cut", "failed per move")
    grid = Table(*columns, title="All runs", caption="; ".join(sorted(set(machines))))
    for name, account in accounts.items():
        for row in _rows(name, account):
            grid.add_row(*row)
    return grid


def _rows(name: str, account: Account) -> Iterator[tuple[str, ...]]:
    yield (name, str(account.runs), str(account.moves), "all", *_cells(account.all, account.moves))
    for client, each in sorted(account.clients.items()):
        yield ("", "", "", client, *_cells(each, account.moves))


def _cells(each: Total, moves: int) -> tuple[str, ...]:
    how = ", ".join(f"{count} {kind}" for kind, count in sorted(each.failures.items()))
    return (f"{each.sent:,}", f"{each.failed:,}", how, f"{each.cut:,}", f"{each.failed / max(1, moves):.1f}")
