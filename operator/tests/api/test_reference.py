"""The API reference names every field and every rule of the kinds."""

from __future__ import annotations

import pytest

from aif.api.crd import annotated_schema
from aif.api.kinds import KINDS, Kind
from aif.api.reference import api_reference, fields_of, rules_below

REFERENCE = api_reference(KINDS)
PER_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@PER_KIND
def test_every_field_has_a_row(kind: Kind) -> None:
    spec = annotated_schema(kind)["properties"]["spec"]
    paths = [field.path for field in fields_of(spec, "spec")][1:]
    assert [path for path in paths if f"`{path}`" not in REFERENCE] == []


@PER_KIND
def test_every_rule_has_a_row(kind: Kind) -> None:
    messages = [message for _, _, message in rules_below(annotated_schema(kind), "")]
    assert [message for message in messages if message not in REFERENCE] == []


def test_a_row_says_type_default_bounds_and_meaning() -> None:
    assert (
        "| `spec.migration.timeoutSeconds` | integer | `600` | 10 to 86,400 | When an unfinished move is rolled back. |"
    ) in REFERENCE


def test_every_row_of_a_table_has_all_its_cells() -> None:
    rows = [line for line in REFERENCE.splitlines() if line.startswith("|")]
    widths = {len(line.replace("\\|", "").split("|")) for line in rows}
    assert widths == {5, 7}
