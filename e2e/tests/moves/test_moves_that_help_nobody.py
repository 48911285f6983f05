"""A contract that no node can keep moves nobody: it is said what is short, and then it is quiet."""

from __future__ import annotations

import hopeless
from audit import Audit
from contract_moves import World

SECONDS = 20


def test_a_contract_that_no_node_can_keep_moves_nobody_and_writes_little(world: World, audit: Audit) -> None:
    with world(3) as moves:
        moves.start()
        names = hopeless.prepare(moves, 3)
        before = {name: moves.services.node_of(name) for name in names}
        short = hopeless.despair(moves, names)
        assert {name for name, words in short.items() if "latency" in words.lower()} == set(names), short
        seen = hopeless.watch(moves, audit, names, SECONDS)
        assert seen.begun == []
        assert {name: moves.services.node_of(name) for name in names} == before
        assert [name for name in names if not hopeless.answers(moves, name)] == [], "what serves serves on"
    assert seen.per_minute <= hopeless.MOST_WRITES, seen.kinds
