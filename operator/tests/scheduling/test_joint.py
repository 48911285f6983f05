"""Services of a batch placed jointly: more find a place than by turns, each by the same filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.api.aiservice import AIService
from aif.api.computenode import ComputeNode
from aif.scheduling import joint
from aif.scheduling.batch import Batch
from tests.builders import CPU_32, a_compute_node, a_device, a_link
from tests.scheduling.test_batch import a_service, a_site, asked, decided, free_by_hand, places, services, sites

CPU_VARIANT = {"name": "cpu"}
GPU_VARIANT = {"name": "gpu", "accelerator": "nvidia.com/gpu", "count": 1}


def crowd() -> tuple[list[AIService], list[ComputeNode]]:
    """Return services of which turns place the large one alone, and a site for it."""
    small = [a_service(f"s{number}", gpus=1) for number in range(4)]
    return [a_service("large", gpus=4), *small], [a_site("site", gpus=4)]


def test_many_small_services_go_before_a_large_one_of_the_same_priority() -> None:
    wanted, world = crowd()

    assert places(decided(wanted, world, jointly=False)).keys() == {"large"}
    assert places(decided(wanted, world)).keys() == {"s0", "s1", "s2", "s3"}


def test_a_more_urgent_service_keeps_its_place() -> None:
    wanted, world = crowd()
    wanted[0] = a_service("large", gpus=4, priority="high")

    assert places(decided(wanted, world, {"high": 1})).keys() == {"large"}


def test_who_goes_without_is_told_why_and_who_stays_how_near_the_best_it_is() -> None:
    batch = decided(*crowd())
    placed = [selection for selection in batch.selections.values() if selection.chosen]
    (without,) = (selection for selection in batch.selections.values() if not selection.chosen)

    assert all(selection.joint_gap == pytest.approx(0.0, abs=1e-6) for selection in placed)
    assert all("decided jointly with 4 others, within 0.01 % of the best" in one.message for one in placed)
    assert without.joint_gap is None
    assert without.shortfall == 1
    assert without.rejections


def test_turns_stand_where_no_more_would_find_a_place() -> None:
    wanted, world = [a_service(f"s{number}") for number in range(3)], [a_site("one"), a_site("two")]
    by_turns, together = decided(wanted, world, jointly=False), decided(wanted, world)

    assert places(by_turns) == places(together)
    assert [one.choices for one in by_turns.selections.values()] == [
        one.choices for one in together.selections.values()
    ]


def test_another_variant_makes_room() -> None:
    world = [a_compute_node("site", tier="Edge", devices=[a_device(count=1), CPU_32], links=[a_link()])]
    workload = {"image": "x", "resources": {"cpu": 16, "memory": "1Gi"}}
    either = a_service(
        "either", variants=[GPU_VARIANT, CPU_VARIANT], workload=workload, load={"requestsPerSecond": "100m"}
    )
    batch = decided([either, a_service("only", variants=[GPU_VARIANT])], world)

    assert {uid: one.chosen.variant.name for uid, one in batch.selections.items() if one.chosen} == {
        either.metadata.uid: "cpu",
        "uid-default-only": "gpu",
    }


def test_a_batch_that_is_too_large_is_left_as_turns_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joint, "MOST", 4)

    assert places(decided(*crowd())).keys() == {"large"}


def chosen_by(batch: Batch) -> int:
    """Return how many services have a place for all replicas."""
    return sum(bool(one.choices) and not one.shortfall for one in batch.selections.values())


@settings(max_examples=60, deadline=None)
@given(world=sites, drawn=services)
def test_never_fewer_find_a_place_than_by_turns(
    world: list[ComputeNode], drawn: Sequence[tuple[int, int, int, bool, str, str]]
) -> None:
    by_turns, together = (decided(asked(list(drawn)), world, jointly=jointly) for jointly in (False, True))

    assert chosen_by(together) >= chosen_by(by_turns)


@settings(max_examples=60, deadline=None)
@given(drawn=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 12)), min_size=2, max_size=12))
def test_a_joint_placement_never_overbooks(drawn: list[tuple[int, int]]) -> None:
    def workload(cpu: int) -> dict[str, Any]:
        return {"image": "x", "resources": {"cpu": cpu, "memory": "1Gi"}}

    wanted = [a_service(f"s{n}", gpus, workload=workload(cpu)) for n, (gpus, cpu) in enumerate(drawn)]
    world = [a_site("one", 4), a_site("two", 3)]

    assert min(free_by_hand(world, (), decided(wanted, world)).values()) >= -1e-6
