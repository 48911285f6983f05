"""Quantities: what is read, what is refused, and that nothing unforeseen gets through."""

from __future__ import annotations

import contextlib
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from aif.api.quantity import LIMIT, MAX_LENGTH, PATTERN, Capacity, Demand, Quantity, format_amount

DEMAND: TypeAdapter[Quantity] = TypeAdapter(Demand)
CAPACITY: TypeAdapter[Quantity] = TypeAdapter(Capacity)

VALUES = [
    pytest.param("0", Decimal(0), id="zero"),
    pytest.param(30, Decimal(30), id="integer"),
    pytest.param("500m", Decimal("0.5"), id="thousandths"),
    pytest.param("1500u", Decimal("0.0015"), id="millionths"),
    pytest.param("7n", Decimal("7e-9"), id="billionths"),
    pytest.param("2.5", Decimal("2.5"), id="fraction"),
    pytest.param(".5", Decimal("0.5"), id="no digit before the point"),
    pytest.param("5.", Decimal(5), id="no digit after the point"),
    pytest.param("4800k", Decimal(4_800_000), id="k"),
    pytest.param("600M", Decimal(600_000_000), id="M"),
    pytest.param("31G", Decimal(31_000_000_000), id="G"),
    pytest.param("312T", Decimal("3.12e14"), id="T"),
    pytest.param("20P", Decimal("2e16"), id="P"),
    pytest.param("1E", Decimal("1e18"), id="E"),
    pytest.param("1Ki", Decimal(1024), id="Ki"),
    pytest.param("4Gi", Decimal(2**32), id="Gi"),
    pytest.param("1023Pi", Decimal(1023 * 2**50), id="Pi"),
    pytest.param("0.5Ei", Decimal(2**59), id="Ei"),
    pytest.param("1e3", Decimal(1000), id="exponent"),
    pytest.param("1E-3", Decimal("0.001"), id="negative exponent"),
    pytest.param(2**60 - 1, Decimal(2**60 - 1), id="just below 1Ei"),
]
REFUSED = [
    pytest.param("NaN", id="not a number"),
    pytest.param("Infinity", id="infinity"),
    pytest.param("1_000", id="underscore"),
    pytest.param("\u0661", id="Arabic digit"),
    pytest.param("\uff11", id="full-width digit"),
    pytest.param(" 1 ", id="blanks"),
    pytest.param("1\n", id="newline"),
    pytest.param("", id="empty"),
    pytest.param(".", id="point alone"),
    pytest.param("G", id="suffix alone"),
    pytest.param("+1", id="sign"),
    pytest.param("-1", id="negative text"),
    pytest.param(-1, id="negative integer"),
    pytest.param(True, id="truth value"),
    pytest.param(None, id="nothing"),
    pytest.param(0.5, id="float"),
    pytest.param(float("nan"), id="float that is no number"),
    pytest.param([1], id="list"),
    pytest.param("1GB", id="bytes as people write them"),
    pytest.param("1 G", id="blank before the suffix"),
    pytest.param("1Ei", id="1Ei"),
    pytest.param("12Ei", id="above 1Ei"),
    pytest.param(2**60, id="1Ei as an integer"),
    pytest.param("1e1000000", id="large exponent"),
    pytest.param("1e99", id="exponent of two digits"),
    pytest.param("1" * (MAX_LENGTH + 1), id="too long"),
    pytest.param("0" * 20, id="20 digits"),
    pytest.param(10**5000, id="integer of 5,000 digits"),
]


@pytest.mark.parametrize(("raw", "value"), VALUES)
def test_a_quantity_has_the_value_that_kubernetes_gives_it(raw: object, value: Decimal) -> None:
    assert Quantity.parse(raw).value == value


@pytest.mark.parametrize("raw", REFUSED)
def test_what_is_no_quantity_is_refused(raw: object) -> None:
    with pytest.raises(ValidationError):
        DEMAND.validate_python(raw)


@pytest.mark.parametrize("raw", [0, "0", "0.0", "0Gi", ".0"])
def test_a_demand_may_be_zero_and_a_capacity_may_not(raw: object) -> None:
    assert DEMAND.validate_python(raw).value == 0
    with pytest.raises(ValidationError, match="not above zero"):
        CAPACITY.validate_python(raw)


@given(st.from_regex(PATTERN, fullmatch=True).filter(lambda text: len(text) <= MAX_LENGTH))
def test_all_that_the_pattern_admits_is_read_or_too_large(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert 0 <= Quantity.parse(text).value < LIMIT
        return
    with pytest.raises(ValueError, match="not below 1Ei"):
        Quantity.parse(text)


@given(st.one_of(st.text(max_size=40), st.floats(), st.integers(), st.booleans(), st.none()))
def test_nothing_gets_through_that_the_pattern_does_not_admit(raw: Any) -> None:  # noqa: ANN401
    try:
        quantity = Quantity.parse(raw)
    except ValueError:
        return
    assert re.fullmatch(PATTERN, quantity.text)
    assert isinstance(raw, int | str)
    assert not isinstance(raw, bool)
    assert 0 <= quantity.value < LIMIT


@given(st.integers(min_value=0, max_value=2**60 - 1))
def test_an_integer_means_itself(number: int) -> None:
    assert Quantity.parse(number).value == number == Quantity.parse(str(number)).value


@given(st.integers(min_value=0, max_value=10**15))
def test_thousandths_and_units_agree(number: int) -> None:
    assert Quantity.parse(f"{number}m") == Quantity.parse(f"{number}000u")
    assert hash(Quantity.parse(f"{number}m")) == hash(Quantity.parse(f"{number}000u"))


def test_a_quantity_keeps_the_words_of_its_author() -> None:
    assert DEMAND.dump_python(DEMAND.validate_python("1000m")) == "1000m"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(0.0, "0", id="zero"),
        pytest.param(9.3e11, "930G", id="billions"),
        pytest.param(1.0, "1", id="one"),
        pytest.param(0.5, "500m", id="half"),
        pytest.param(19.5e12, "19.5T", id="fraction of a unit"),
        pytest.param(1.00001e9, "1.001G", id="rounded up"),
    ],
)
def test_an_amount_reads_in_its_largest_unit(value: float, text: str) -> None:
    assert format_amount(value) == text


@given(st.floats(min_value=1e-3, max_value=1e17))
def test_an_amount_is_rounded_up_by_at_most_a_thousandth(value: float) -> None:
    shown = float(Quantity.parse(format_amount(value)))
    assert value * (1 - 1e-12) <= shown <= value * 1.001 + 1e-3
