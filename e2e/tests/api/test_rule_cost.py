"""The CEL rules of the kinds stay well below what an API server lets a kind cost."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from documents import ROOT
from kubectl import Kubectl

DEFINITIONS = sorted((ROOT / "crds").glob("*.yaml"))
ROOM = 10
TOO_MUCH = 10_000


def _with_longer_lists(value: Any, factor: int) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_with_longer_lists(entry, factor) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        key: entry * factor if key == "maxItems" and isinstance(entry, int) else _with_longer_lists(entry, factor)
        for key, entry in value.items()
    }


def _try(kubectl: Kubectl, definition: dict[str, Any]) -> None:
    arguments = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    kubectl(*arguments, stdin=yaml.safe_dump(definition))


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_the_rules_leave_room_to_grow(kubectl: Kubectl, path: Any) -> None:  # noqa: ANN401
    definition = copy.deepcopy(yaml.safe_load(path.read_text()))
    _try(kubectl, _with_longer_lists(definition, ROOM))


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_the_server_does_bound_the_cost_of_rules(kubectl: Kubectl, path: Any) -> None:  # noqa: ANN401
    definition = yaml.safe_load(path.read_text())
    with pytest.raises(AssertionError, match="cost exceeds budget"):
        _try(kubectl, _with_longer_lists(definition, TOO_MUCH))
