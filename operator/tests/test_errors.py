"""Errors form one tree, and say what callers need to act on them."""

from __future__ import annotations

import inspect
import re

import pytest

from aif import errors
from aif.errors import AifError, Conflict, Denied, Forbidden, InvalidSetting, InvalidSpec, NotFound, Unavailable


def test_every_error_descends_from_one() -> None:
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    assert all(issubclass(error, AifError) for error in classes)


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    drawn: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for indent, name in re.findall(r"^( {4}[|+ -]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE):
        above = [entry for entry in above if entry[0] < len(indent)]
        drawn[name] = above[-1][1] if above else "Exception"
        above.append((len(indent), name))
    actual = {name: value.__mro__[1].__name__ for name, value in vars(errors).items() if inspect.isclass(value)}
    assert drawn == actual


def test_an_invalid_spec_names_the_field_and_what_is_wrong_with_it() -> None:
    error = InvalidSpec("spec.qos.latency.milliseconds", "must be above 0; name the target in whole milliseconds")
    assert str(error) == f"{error.field}: {error.reason}"
    assert error.field == "spec.qos.latency.milliseconds"


def test_an_invalid_setting_names_the_variable_and_what_is_wrong_with_it() -> None:
    error = InvalidSetting("AIF_NAMESPACE", "is empty; name a namespace")
    assert str(error) == "AIF_NAMESPACE: is empty; name a namespace"


@pytest.mark.parametrize("kind", [NotFound, Conflict, Forbidden, Denied, Unavailable])
def test_an_error_of_the_api_keeps_the_status_of_the_answer(kind: type[errors.ApiError]) -> None:
    assert kind("said no", status=418).status == 418
    assert kind("no answer").status is None


def test_what_is_unavailable_says_how_long_to_wait_where_the_server_did() -> None:
    assert Unavailable("too many requests", status=429, retry_after=3.0).retry_after == 3.0
    assert Unavailable("connection refused").retry_after is None


def test_what_is_denied_names_the_rule_that_said_no() -> None:
    assert Denied("exceeded quota: gold", status=403, rule="gold").rule == "gold"


def test_trying_again_helps_only_what_may_pass() -> None:
    assert not issubclass(Forbidden, Unavailable)
    assert not issubclass(InvalidSpec, errors.ApiError)
