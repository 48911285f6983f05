"""Profiles: plain YAML files of figures in SI units, read as YAML 1.2 and judged strictly.

In YAML 1.2 ``4.80e6`` and ``31e9`` are numbers, ``yes`` and ``12:30`` are text; PyYAML alone reads YAML 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from aif.cli.files import faults
from aif.cli.files.documents import STDIN, StrictLoader, content, place
from aif.errors import InvalidInput, InvalidSpec
from aif.planning.checks import LARGEST, SMALLEST

_TAG: Final = "tag:yaml.org,2002:"


def _in_range(value: float) -> float:
    if value <= 0.0:
        raise ValueError("must be greater than 0")
    if not SMALLEST <= value <= LARGEST:
        raise ValueError(f"must lie between {SMALLEST:g} and {LARGEST:g}")
    return value


def _zero_or_in_range(value: float) -> float:
    if value < 0.0:
        raise ValueError("must be 0 or greater")
    return value if value == 0.0 else _in_range(value)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() and value <= LARGEST else value


Positive = Annotated[float, AfterValidator(_in_range)]
"""A figure above zero, such as a rate."""

NonNegative = Annotated[float, AfterValidator(_zero_or_in_range)]
"""A figure that may be zero, such as an amount of work."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share of 1, such as an accuracy."""

Count = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=10**30)]
"""A whole number from 1; ``1.28e6`` is one too."""

Name = Annotated[str, Field(min_length=1, max_length=253)]
"""Text that names something; a number is to be put in quotes."""


class ProfileModel(BaseModel):
    """A frozen part of a profile: camelCase outside, no field that is not known, no text for a number, no NaN.

    A rule across fields raises `InvalidSpec` from a validator of the profile itself, with the path of the field.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


M = TypeVar("M", bound=ProfileModel)


Structure = TypeVar("Structure")


class InvalidProfile(InvalidInput):
    """A profile breaks a rule.

    Attributes:
        problems: Field and reason of every fault that was found.
    """

    def __init__(self, file: str, problems: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(": ".join(filter(None, (file, *problem))) for problem in problems))
        self.problems = tuple(problems)


def load(path: str, model: type[M]) -> M:
    """Return the profile in the file ``path``; ``-`` is the standard input.

    Raises:
        InvalidInput: The file cannot be read, or is no YAML; the message names it, and the line where known.
        InvalidProfile: The profile breaks a rule; a line per fault names file and field.
    """
    return judge(titled(path), read(path), model)


def judge(file: str, body: object, model: type[M]) -> M:
    """Return ``body``, which stands in ``file``, as a profile.

    Raises:
        InvalidProfile: It breaks a rule.
    """
    if not isinstance(body, dict):
        raise InvalidProfile(file, [("", "must hold one object, such as {model: {...}}")])
    try:
        return model.model_validate(body, by_alias=True, by_name=False)
    except InvalidSpec as error:
        raise InvalidProfile(file, [(error.field, error.reason)]) from error
    except ValidationError as error:
        schema = model.model_json_schema()
        problems = [(faults.path(fault["loc"]), faults.reason(fault, schema)) for fault in error.errors()]
        raise InvalidProfile(file, problems) from error


def read(path: str) -> object:
    """Return what stands in the file ``path``, read as YAML 1.2; ``-`` is the standard input.

    Raises:
        InvalidInput: The file cannot be read, is no YAML, or holds several documents.
    """
    file = titled(path)
    try:
        bodies = list(yaml.load_all(content(path), _Loader))
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidInput(f"{file}{place(error)}") from error
    if len(bodies) > 1:
        raise InvalidInput(f"{file}: holds {len(bodies)} documents, a profile is one; split the file at '---'")
    return bodies[0] if bodies else None


def titled(path: str) -> str:
    """Return how messages name the file ``path``."""
    return "stdin" if path == STDIN else path


class _Loader(StrictLoader):
    """The core schema of YAML 1.2, and merge keys."""

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Return a whole number; a leading zero means nothing, unlike in YAML 1.1."""
        text = str(self.construct_scalar(node))
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


_Loader.add_constructor(f"{_TAG}int", _Loader.construct_yaml_int)
_Loader.yaml_implicit_resolvers = {}
_RESOLVERS: Final[tuple[tuple[str, str, str], ...]] = (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]{1,999}|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("merge", r"<<", "<"),
)
for _name, _pattern, _first in _RESOLVERS:
    _characters: list[Any] = [*_first, ""] if _name == "null" else list(_first)
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"^(?:{_pattern})$"), _characters)


def answered(path: str, profile: M, answer: Callable[[M], Structure]) -> Structure:
    """Return what ``answer`` makes of a profile; where it cannot, the error names the file.

    Raises:
        InvalidInput: As ``answer`` raises it, behind the name of the file.
    """
    try:
        return answer(profile)
    except InvalidInput as error:
        raise InvalidInput(f"{'stdin' if path == STDIN else path}: {error.message}") from error
