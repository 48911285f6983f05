"""Asks the metrics source many questions at once; what gets no answer is left out and told once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from aif.contract.answers import Row
from aif.errors import ApiError

log = logging.getLogger(__name__)

Key = TypeVar("Key")


class MetricsSource(Protocol):
    """What answers queries: Prometheus, or what speaks its language."""

    async def query(self, expression: str, at: float) -> Sequence[Row]:
        """Return the vector that ``expression`` gives at the time ``at``.

        Raises:
            ApiError: There is no answer, or the query is at fault.
        """
        ...


async def ask(source: MetricsSource, questions: Mapping[Key, str], at: float) -> dict[Key, Sequence[Row]]:
    """Return the answers to ``questions``, each under its key; failures are left out, and told together."""
    answers = await asyncio.gather(*(source.query(text, at) for text in questions.values()), return_exceptions=True)
    told: dict[Key, Sequence[Row]] = {}
    failed: dict[str, list[str]] = {}
    for key, answer in zip(questions, answers, strict=True):
        if isinstance(answer, ApiError):
            failed.setdefault(answer.message, []).append(str(key))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            told[key] = answer
    for error, keys in failed.items():
        log.warning("Failed to measure", extra={"questions": len(keys), "first": keys[0], "error": error})
    return told
