"""Profiles are read as YAML 1.2 and judged strictly; a fault names file and field."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from pydantic import Field

from aif.cli.files.profiles import Count, InvalidProfile, Name, NonNegative, Positive, ProfileModel, Share, load
from aif.errors import InvalidInput, InvalidSpec


class Cut(ProfileModel):
    """A place where a model may be divided."""

    name: Name
    user_flop: NonNegative


class Profile(ProfileModel):
    """A profile of every kind of figure."""

    rate: Positive
    accuracy: Share = 1.0
    samples: Count = 1
    cuts: list[Cut] = Field(default_factory=list)
    best: Cut | None = None


class Refusing(ProfileModel):
    """A profile with a rule across fields."""

    rate: Positive

    def model_post_init(self, context: object, /) -> None:
        """Refuse every figure."""
        del context
        raise InvalidSpec("rate", "is never right")


def a_file(folder: Path, text: str) -> str:
    path = folder / "a.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("4.80e6", 4.8e6, id="an exponent without a sign"),
        pytest.param("31e9", 31e9, id="an exponent without a point"),
        pytest.param("+1E-3", 1e-3, id="signs"),
        pytest.param(".5", 0.5, id="no digit before the point"),
        pytest.param("5.", 5.0, id="no digit behind the point"),
        pytest.param("012", 12.0, id="a leading zero"),
        pytest.param("0x10", 16.0, id="hexadecimal"),
        pytest.param("0o10", 8.0, id="octal"),
    ],
)
def test_numbers_are_those_of_yaml_1_2(tmp_path: Path, text: str, number: float) -> None:
    assert load(a_file(tmp_path, f"rate: {text}"), Profile).rate == number


def test_a_whole_number_may_be_written_with_an_exponent(tmp_path: Path) -> None:
    assert load(a_file(tmp_path, "{rate: 1, samples: 1.28e6}"), Profile).samples == 1_280_000


def test_yes_is_text_as_in_yaml_1_2(tmp_path: Path) -> None:
    profile = load(a_file(tmp_path, "{rate: 1, cuts: [{name: yes, userFlop: 0}]}"), Profile)
    assert profile.cuts[0].name == "yes"


def test_a_dash_is_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("rate: 2"))
    assert load("-", Profile).rate == 2.0


def test_json_is_a_profile_too(tmp_path: Path) -> None:
    assert load(a_file(tmp_path, '{"rate": 1.5e3, "cuts": [{"name": "0", "userFlop": 0}]}'), Profile).rate == 1500.0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("rate: 0", "rate: must be greater than 0", id="zero"),
        pytest.param("rate: -1", "rate: must be greater than 0, not -1", id="negative"),
        pytest.param("rate: .nan", "rate: must be a finite number, not NaN", id="not a number"),
        pytest.param("rate: .inf", "rate: must be a finite number, not Infinity", id="infinite"),
        pytest.param("rate: 1e400", "rate: must be a finite number, not Infinity", id="beyond a float"),
        pytest.param("rate: 1e31", "rate: must lie between 1e-30 and 1e+30, not 1e+31", id="too large"),
        pytest.param("rate: 1e-31", "rate: must lie between 1e-30 and 1e+30, not 1e-31", id="too small"),
        pytest.param('rate: "1e3"', 'rate: must be a valid number, not "1e3"', id="a number in quotes"),
        pytest.param("rate: 1_000", 'rate: must be a valid number, not "1_000"', id="a number of YAML 1.1"),
        pytest.param("rate: 1:30", 'rate: must be a valid number, not "1:30"', id="a time of YAML 1.1"),
        pytest.param("rate: true", "rate: must be a valid number, not true", id="a truth value"),
        pytest.param("rate: null", "rate: is required", id="null"),
        pytest.param("{}", "rate: is required", id="missing"),
        pytest.param("{rate: 1, Rate: 2}", "Rate: there is no such field; did you mean rate?", id="misspelt"),
        pytest.param("{rate: 1, accuracy: 1.1}", "accuracy: must be less than or equal to 1, not 1.1", id="share"),
        pytest.param("{rate: 1, samples: 1.5}", "samples: must be a valid integer, not 1.5", id="no whole number"),
        pytest.param("{rate: 1, samples: 0}", "samples: must be greater than or equal to 1, not 0", id="none"),
        pytest.param(
            "{rate: 1, cuts: [{name: a, userFlop: 0}, {name: b, userFlop: -1}]}",
            "cuts[1].userFlop: must be 0 or greater, not -1",
            id="in a list",
        ),
        pytest.param(
            "{rate: 1, cuts: [{name: a, user_flop: 0}]}",
            "cuts[0].user_flop: there is no such field; did you mean userFlop?",
            id="misspelt in a list",
        ),
        pytest.param(
            "{rate: 1, best: {name: a, userFlop: 0, flops: 1}}",
            "best.flops: there is no such field; known are name, userFlop",
            id="unknown in an optional part",
        ),
        pytest.param("{rate: 1, cuts: [{name: 0, userFlop: 0}]}", "cuts[0].name: must be a valid string", id="a name"),
        pytest.param("{rate: 1, cuts: {}}", "cuts: must be a valid list", id="no list"),
        pytest.param("[1, 2]", "must hold one object", id="a list"),
        pytest.param("", "must hold one object", id="empty"),
        pytest.param("rate: 1\n---\nrate: 2", "holds 2 documents", id="two documents"),
        pytest.param("{rate: 1, rate: 2}", "rate stands twice", id="a field twice"),
        pytest.param("rate: [", "line 1", id="no YAML"),
    ],
)
def test_a_fault_names_file_and_field(tmp_path: Path, text: str, complaint: str) -> None:
    path = a_file(tmp_path, text)
    with pytest.raises(InvalidInput) as caught:
        load(path, Profile)
    assert caught.value.message.startswith(path)
    assert complaint in caught.value.message


def test_every_fault_is_told_in_a_line_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(InvalidProfile) as caught:
        load(a_file(tmp_path, "{rate: 0, accuracy: 2}"), Profile)
    assert [field for field, _ in caught.value.problems] == ["rate", "accuracy"]
    assert len(caught.value.message.splitlines()) == 2


def test_a_rule_across_fields_names_file_and_field_too(tmp_path: Path) -> None:
    path = a_file(tmp_path, "rate: 1")
    with pytest.raises(InvalidProfile, match="rate: is never right") as caught:
        load(path, Refusing)
    assert caught.value.message == f"{path}: rate: is never right"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"gone\.yaml: No such file"):
        load(str(tmp_path / "gone.yaml"), Profile)
