"""What watches rounds while faults strike notices when one is lost, or done again."""

from __future__ import annotations

import pytest
from round_watch import Seen


@pytest.mark.parametrize(
    ("rounds", "history", "said"),
    [
        pytest.param({3: 30, 4: 40}, [1, 2, 3, 4], [], id="the next is done"),
        pytest.param({3: 31}, [1, 2, 3], ["round 3 was done again"], id="one is written again"),
        pytest.param({2: 20}, [1, 2], ["round 3 is gone, the last is 2"], id="one is gone"),
        pytest.param({4: 40}, [1, 2, 4], ["the rounds on the claim are [1, 2, 4]"], id="one was left out"),
    ],
)
def test_a_round_that_is_lost_or_done_again_is_noticed(
    rounds: dict[int, int], history: list[int], said: list[str]
) -> None:
    seen = Seen()
    seen.note({2: 20, 3: 30}, [1, 2, 3])
    seen.note(rounds, history)
    assert seen.broken == said


def test_a_status_that_goes_back_is_noticed() -> None:
    seen = Seen()
    for turn in (1, 1, 4, 3):
        seen.tell(turn)
    assert seen.told == [1, 4, 3]
    assert seen.broken == ["the status went from round 4 back to 3"]
