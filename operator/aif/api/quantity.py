"""Kubernetes quantities, parsed strictly.

The Kubernetes client's own parser takes ``NaN``, ``1_000`` and non-ASCII digits, so input is never given to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

LIMIT: Final = Decimal(2**60)
"""Quantities lie below 1Ei: ``1e1000000`` is valid syntax and no computer's capacity."""

MAX_LENGTH: Final = 32

PATTERN: Final = r"([0-9]{1,19}(\.[0-9]{0,9})?|\.[0-9]{1,9})(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?"
"""What counts as a quantity, for the API server and for the operator alike: Kubernetes' own less signs and excess."""

_SYNTAX: Final = re.compile(PATTERN)
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A non-negative amount below 1Ei, with the text that its author wrote.

    Two quantities are equal when their values are, so ``1000m`` equals ``1``.
    """

    text: str
    value: Decimal

    @classmethod
    def parse(cls, raw: object) -> Quantity:
        """Read ``4Gi``, ``500m``, ``31G`` or an integer.

        Raises:
            ValueError: ``raw`` is no quantity, is negative, or is not below 1Ei.
        """
        if isinstance(raw, Quantity):
            return raw
        text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw
        if not isinstance(text, str) or len(text) > MAX_LENGTH or (match := _SYNTAX.fullmatch(text)) is None:
            message = f"{raw!r} is not a quantity such as 500m, 4Gi or 31G"
            raise ValueError(message)
        value = Decimal(match[1]) * _scale(match[3] or "")
        if value >= LIMIT:
            message = f"{raw!r} is not below 1Ei"
            raise ValueError(message)
        return cls(text, value)

    def __float__(self) -> float:
        """Return the value in the unit of its field."""
        return float(self.value)

    def __str__(self) -> str:
        """Return the text as written."""
        return self.text

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return isinstance(other, Quantity) and self.value == other.value

    def __hash__(self) -> int:
        """Hash by value, as equality compares."""
        return hash(self.value)


def _scale(suffix: str) -> Decimal:
    if suffix in _BINARY:
        return Decimal(1024) ** _BINARY[suffix]
    return Decimal(10) ** (_DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:]))


def format_amount(value: float) -> str:
    """Return the shortest decimal quantity for ``value``, rounded up to one part in a thousand of its unit.

    ``format_amount(9.3e11)`` is ``930G``. For people and for status; demands round up.
    """
    number = Decimal(repr(float(value)))
    unit = next((u for u in ("E", "P", "T", "G", "M", "k", "") if number >= Decimal(10) ** _DECIMAL[u]), "m")
    scaled = (number / _scale(unit)).quantize(Decimal(1) if unit == "m" else Decimal("0.001"), ROUND_CEILING)
    return f"{scaled.normalize():f}{unit if scaled else ''}"


def _schema(*, positive: bool) -> dict[str, Any]:
    floor = " && quantity(string(self)).isGreaterThan(quantity('0'))" if positive else ""
    bound = "above zero" if positive else "not negative"
    rule = f"string(self).matches(r'^({PATTERN})$'){floor} && quantity(string(self)).isLessThan(quantity('1Ei'))"
    message = f"must be a quantity such as 500m, 4Gi or 31G, {bound} and below 1Ei"
    return {
        "x-kubernetes-int-or-string": True,
        "maxLength": MAX_LENGTH,
        "x-aif-bounds": f"{bound}, below 1Ei",
        "x-kubernetes-validations": [{"rule": rule, "message": message}],
    }


def _parse_capacity(raw: object) -> Quantity:
    quantity = Quantity.parse(raw)
    if not quantity.value:
        message = f"{raw!r} is not above zero"
        raise ValueError(message)
    return quantity


Demand = Annotated[
    Quantity, BeforeValidator(Quantity.parse), PlainSerializer(str), WithJsonSchema(_schema(positive=False))
]
"""A quantity that may be zero: what a service asks for."""

Capacity = Annotated[
    Quantity, BeforeValidator(_parse_capacity), PlainSerializer(str), WithJsonSchema(_schema(positive=True))
]
"""A quantity above zero: what a node offers."""


def amount(text: str) -> Any:  # noqa: ANN401 - what stands for a field's value, as pydantic's own Field
    """Return the default of a field that is a quantity, as its author would write it."""
    return Field(default=text, validate_default=True)
