"""Objects as the caches keep them: small, as thousands are kept, and nearly all look alike."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from types import NoneType
from typing import Any, Final, TypeVar

import orjson

from aif.api.base import ApiModel
from aif.api.quantity import Quantity

Model = TypeVar("Model", bound=ApiModel)

REMEMBERED: Final = 8192
"""Parts that are known to have been seen; of these the one that was not met for longest is forgotten first."""


class Packed(Mapping[str, Any]):
    """A JSON object as text, read anew at each look: a fifth of the memory, for objects that are seldom looked at."""

    __slots__ = ("_text",)

    def __init__(self, value: Mapping[str, Any]) -> None:
        """Pack ``value``, which must be JSON."""
        # A copy: what orjson returns keeps the room that it was written in, four times as much.
        self._text = bytes(memoryview(orjson.dumps(value)))

    def unpacked(self) -> dict[str, Any]:
        """Return the object as a dictionary of the caller's own."""
        found: dict[str, Any] = orjson.loads(self._text)
        return found

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any JSON may stand there
        return self.unpacked()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.unpacked())

    def __len__(self) -> int:
        return len(self.unpacked())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Packed) and self._text == other._text:
            return True
        return isinstance(other, Mapping) and self.unpacked() == dict(other)

    __hash__ = None  # type: ignore[assignment]  # as any mapping that is compared by value


class Sharing:
    """Makes equal parts of frozen models one object: the devices of alike nodes, the terms of alike scores."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._known: OrderedDict[Hashable, ApiModel] = OrderedDict()
        self._names: dict[frozenset[str], set[str]] = {}

    def __len__(self) -> int:
        """Return how many parts are remembered."""
        return len(self._known)

    def compact(self, model: Model) -> Model:
        """Return ``model`` itself, its parts shared with models that were compacted before."""
        self._share_parts(model)
        return model

    def _share_parts(self, model: ApiModel) -> tuple[Hashable, ...]:
        """Share what ``model`` consists of; return what tells it from another one of its type."""
        given = model.model_fields_set
        names = self._names.setdefault(frozenset(given), given)
        object.__setattr__(model, "__pydantic_fields_set__", names)
        fields, marks = model.__dict__, list[Hashable]()
        for name, value in fields.items():
            kind = type(value)
            if kind in _SCALARS:
                marks.append(value)
                continue
            if kind is list:
                if value and isinstance(value[0], ApiModel):
                    value[:] = map(self._shared, value)
                marks.append(tuple(part if type(part) in _SCALARS else id(part) for part in value))
                continue
            if isinstance(value, ApiModel):
                fields[name] = self._shared(value)
            marks.append(value.text if kind is Quantity else id(fields[name]))
        return type(model), id(names), *marks

    def _shared(self, part: ApiModel) -> ApiModel:
        key = self._share_parts(part)
        known = self._known.setdefault(key, part)
        self._known.move_to_end(key)
        if len(self._known) > self._remembered:
            self._known.popitem(last=False)
        return known


_SCALARS: Final = frozenset({str, int, NoneType})
"""Types whose values are told apart by themselves; all but quantities else by identity, after they were shared."""
