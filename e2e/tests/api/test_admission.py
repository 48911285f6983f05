"""Every bound and every rule of the kinds holds on the real API server, and its refusal names the field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml
from admission import Admission, Refused
from documents import ABSENT, ROOT, Document, changed, complete
from kubectl import Kubectl
from rule_cases import ANY_COMPANIONS, COMPANIONS, RULE_CASES, RuleCase
from schema_cases import Case, Located, Schema, cases_of, located, schema_places

KINDS: Final = {"AIService": "aiservices", "ComputeNode": "computenodes", "TrainingJob": "trainingjobs"}
OBJECTS: Final = (
    "AIService",
    "ComputeNode",
    "TrainingJob",
    "TrainingJob-groups",
    "TrainingJob-distillation",
    "TrainingJob-compression",
    "TrainingJob-own",
    "TrainingJob-workers",
)
"""Objects that have all fields of their kind between them: no TrainingJob may have those of two modes."""

QUANTITY: Final = "must be a quantity such as"


def _schema(kind: str) -> Schema:
    definition = yaml.safe_load((ROOT / "crds" / f"{KINDS[kind]}.net4ai.io.yaml").read_text())
    schema: Schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _kind(name: str) -> str:
    return name.split("-", maxsplit=1)[0]


def _places(kind: str) -> list[tuple[str, Located]]:
    """Return every place of the schema once, at the first value that an object has there, with that object."""
    places: dict[str, tuple[str, Located]] = {}
    for name in (name for name in OBJECTS if _kind(name) == kind):
        for place in located(_schema(kind)["properties"]["spec"], complete(name)["spec"], ("spec",)):
            places.setdefault(place.place, (name, place))
    return list(places.values())


def _bounds(*, refused: bool) -> list[Any]:
    return [
        pytest.param(name, case, id=f"{name}-{case.name}")
        for kind in KINDS
        for name, place in _places(kind)
        for case in cases_of(place)
        if (case.refusal is not None) is refused
    ]


def _rules(*, change: bool) -> list[Any]:
    return [pytest.param(case, id=case.name) for case in RULE_CASES if case.change is change]


@pytest.fixture(scope="module")
def stored(kubectl: Kubectl) -> Iterator[dict[str, Document]]:
    """Return the complete objects, stored."""
    documents = {name: complete(name) for name in OBJECTS}
    text = yaml.safe_dump_all(documents.values())
    kubectl("apply", "--server-side", "-f", "-", stdin=text)
    yield documents
    kubectl("delete", "--wait=false", "-f", "-", stdin=text)


@pytest.mark.parametrize("kind", KINDS)
def test_the_complete_objects_have_every_field_of_the_schema(kind: str) -> None:
    covered = {place.place for _, place in _places(kind)}
    assert {place for place, _ in schema_places(_schema(kind)["properties"]["spec"], "spec")} - covered == set()


def _pruned(stored: Any, asked: Any) -> Any:  # noqa: ANN401 - JSON
    """Return what is stored without what the server set beside it."""
    if isinstance(asked, dict):
        return {name: _pruned(stored[name], asked[name]) for name in asked}
    if isinstance(asked, list):
        return [_pruned(*pair) for pair in zip(stored, asked, strict=True)]
    return stored


@pytest.mark.parametrize("name", OBJECTS)
def test_a_complete_object_is_accepted(admission: Admission, name: str) -> None:
    assert _pruned(admission.create(complete(name))["spec"], complete(name)["spec"]) == complete(name)["spec"]


@pytest.mark.parametrize(("name", "case"), _bounds(refused=False))
def test_a_value_at_the_end_of_its_range_is_accepted(admission: Admission, name: str, case: Case) -> None:
    besides = {**ANY_COMPANIONS.get(case.path, {})}
    if isinstance(case.value, str | int):
        besides |= COMPANIONS.get((case.path, case.value), {})
    admission.create(changed(complete(name), {case.path: case.value, **besides}))


@pytest.mark.parametrize(("name", "case"), _bounds(refused=True))
def test_a_value_beyond_its_range_is_refused_by_the_name_of_its_field(
    admission: Admission, name: str, case: Case
) -> None:
    with pytest.raises(Refused) as refusal:
        admission.create(changed(complete(name), {case.path: case.value}))
    assert refusal.value.names(case.path, case.refusal or ""), refusal.value


@pytest.mark.parametrize("case", _rules(change=False))
def test_a_rule_lets_pass_what_keeps_it(admission: Admission, case: RuleCase) -> None:
    admission.create(changed(complete(case.kind), case.accepted))


@pytest.mark.parametrize("case", _rules(change=False))
def test_a_rule_refuses_what_breaks_it_and_says_which(admission: Admission, case: RuleCase) -> None:
    with pytest.raises(Refused) as refusal:
        admission.create(changed(complete(case.kind), case.refused))
    assert [cause.message for cause in refusal.value.causes if case.message in cause.message], refusal.value


def _merge_patch(case: RuleCase, *, refused: bool) -> Document:
    changes = case.refused if refused else case.accepted
    return changed({}, {path: None if value is ABSENT else value for path, value in changes.items()})


@pytest.mark.parametrize("case", _rules(change=True))
def test_a_field_that_cannot_change_may_be_written_again(
    admission: Admission, stored: dict[str, Document], case: RuleCase
) -> None:
    admission.change(stored[case.kind], _merge_patch(case, refused=False))


@pytest.mark.parametrize("case", _rules(change=True))
def test_a_field_that_cannot_change_refuses_the_change(
    admission: Admission, stored: dict[str, Document], case: RuleCase
) -> None:
    with pytest.raises(Refused) as refusal:
        admission.change(stored[case.kind], _merge_patch(case, refused=True))
    assert refusal.value.names(case.place, case.message), refusal.value


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_of_the_schema_has_a_case(kind: str) -> None:
    stated = {
        (place, rule["message"])
        for place, schema in schema_places(_schema(kind), "")
        for rule in schema.get("x-kubernetes-validations", [])
    }
    tried = {(case.place, case.message) for case in RULE_CASES if _kind(case.kind) == kind}
    quantities = {(place.place, QUANTITY) for _, place in _places(kind) if "x-kubernetes-int-or-string" in place.schema}
    assert {(place, QUANTITY if message.startswith(QUANTITY) else message) for place, message in stated} == (
        tried | quantities
    )
