"""One accepted and one refused value for every bound that a schema states, found by walking an object beside it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from documents import ABSENT, Path_, text_of

Schema = dict[str, Any]

REFUSED_QUANTITIES: Final = ("NaN", "12Ei", "1_000", "-1")
_WRONG_TYPE: Final[dict[str, Any]] = {"integer": "1", "boolean": "no", "string": 1, "array": "x", "object": "x"}
_FILLERS: Final = ("a/", "a", "/", "sha256:")
_MISFITS: Final = ("\x00\x00", "a\n", "-a ", "\u0661\u0661")


@dataclass(frozen=True, slots=True)
class Located:
    """A value of an object and the schema of its place."""

    path: Path_
    schema: Schema
    value: Any
    required: bool

    @property
    def place(self) -> str:
        """The path without the numbers of list items, which names the place in the schema."""
        return re.sub(r"\[\d+\]", "[]", text_of(self.path))


@dataclass(frozen=True, slots=True)
class Case:
    """A value to put at a path; where it is to be refused, what the refusal must say of that field."""

    path: str
    value: Any
    refusal: str | None = None

    @property
    def name(self) -> str:
        """The name of the case in a test report."""
        verb = "accepted" if self.refusal is None else "refused"
        value = "absent" if self.value is ABSENT else repr(self.value)[:24]
        return f"{self.path}-{verb}-{value}"


def located(schema: Schema, value: Any, path: Path_, *, required: bool = True) -> Iterator[Located]:  # noqa: ANN401 - JSON
    """Yield every value at and below `path` with its schema."""
    yield Located(path, schema, value, required)
    if isinstance(value, dict):
        for name, inner in value.items():
            below = schema.get("properties", {}).get(name) or schema["additionalProperties"]
            yield from located(below, inner, (*path, name), required=name in schema.get("required", ()))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from located(schema["items"], inner, (*path, index), required=False)


def schema_places(schema: Schema, place: str) -> Iterator[tuple[str, Schema]]:
    """Yield every place of a schema, the items of lists among them."""
    yield place, schema
    for name, field in schema.get("properties", {}).items():
        yield from schema_places(field, f"{place}.{name}".lstrip("."))
    if "items" in schema:
        yield from schema_places(schema["items"], f"{place}[]")


def cases_of(place: Located) -> Iterator[Case]:
    """Yield an accepted and a refused value for each bound of one place."""
    path = text_of(place.path)
    if place.required:
        yield Case(path, ABSENT, "Required value")
    if place.schema.get("x-kubernetes-int-or-string"):
        yield Case(path, "1500m")
        yield from (Case(path, raw, "must be a quantity such as") for raw in REFUSED_QUANTITIES)
        return
    kind = place.schema["type"]
    yield Case(path, _WRONG_TYPE[kind], "must be of type")
    makers = {"integer": _integer, "string": _string, "array": _array, "object": _object}
    if kind in makers:
        yield from makers[kind](path, place)


def _integer(path: str, place: Located) -> Iterator[Case]:
    low, high = place.schema["minimum"], place.schema["maximum"]
    yield Case(path, low)
    yield Case(path, high)
    yield Case(path, low - 1, "should be greater than or equal to")
    yield Case(path, high + 1, "should be less than or equal to")


def _string(path: str, place: Located) -> Iterator[Case]:
    schema = place.schema
    if "enum" in schema:
        yield from (Case(path, value) for value in schema["enum"])
        yield Case(path, "Nonesuch", "Unsupported value")
        return
    pattern = re.compile(schema.get("pattern", ".*"), re.ASCII)
    if schema.get("format") == "date-time":
        yield Case(path, "2031-01-01T00:00:00.123456789Z")
        yield Case(path, "tomorrow", "must be of type date-time")
    else:
        longest = [filler + "a" * (schema["maxLength"] - len(filler)) for filler in _FILLERS]
        yield Case(path, next(text for text in longest if pattern.search(text)))
    yield Case(path, "a" * (schema["maxLength"] + 1), "Too long")
    if "minLength" in schema:
        yield Case(path, "", f"at least {schema['minLength']} chars long")
    if "pattern" in schema:
        misfit = next(text for text in _MISFITS if not pattern.search(text))
        yield Case(path, misfit, "should match")


def _array(path: str, place: Located) -> Iterator[Case]:
    most = place.schema["maxItems"]
    yield Case(path, grown(place, most))
    yield Case(path, [copy.deepcopy(place.value[0]) for _ in range(most + 1)], "must have at most")
    if "x-kubernetes-list-type" in place.schema:
        yield Case(path, [place.value[0], copy.deepcopy(place.value[0])], "Duplicate value")
    if "minItems" in place.schema:
        yield Case(path, [], "should have at least")


def grown(place: Located, count: int) -> list[Any]:
    """Return a list of `count` items like the first, told apart in whatever tells items apart."""
    items = place.schema["items"]
    return [_another(items, place.value[0], place.schema, index) for index in range(count)]


def _another(items: Schema, first: Any, schema: Schema, index: int) -> Any:  # noqa: ANN401 - JSON
    if isinstance(first, int):
        return items["minimum"] + index
    if not isinstance(first, dict):
        return items["enum"][index] if "enum" in items else f"x{index}"
    item = copy.deepcopy(first)
    for key in schema.get("x-kubernetes-list-map-keys", ()):
        field = items["properties"][key]
        item[key] = field["enum"][index % len(field["enum"])] if "enum" in field else f"x{index}"
    if "mountPath" in item:
        item["mountPath"] = f"/x{index}"
    return item


def _object(path: str, place: Located) -> Iterator[Case]:
    if most := place.schema.get("maxProperties"):
        yield Case(path, {f"k{index}": "v" for index in range(most)})
        yield Case(path, {f"k{index}": "v" for index in range(most + 1)}, "must have at most")
