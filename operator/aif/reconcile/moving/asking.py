"""What a person asks for by annotation, answered once: to move, or to end a move."""

from __future__ import annotations

from aif.api.aiservice import AIService
from aif.domain.annotations import ABORT, MIGRATE_TO

MOST_CHARACTERS = 256
"""What of a request is looked at: the status has to hold it."""


def request_of(service: AIService) -> str:
    """Return the request to move that is not answered yet; empty where there is none."""
    value = service.metadata.annotations.get(MIGRATE_TO, "")[:MOST_CHARACTERS]
    return "" if value == (service.status.last_handled_migrate_to or "") else value


def abort_of(service: AIService) -> str:
    """Return the request to end a move that is not answered yet; empty where there is none."""
    value = service.metadata.annotations.get(ABORT, "")[:MOST_CHARACTERS]
    return "" if value == (service.status.last_handled_abort or "") else value


def node_of(request: str) -> str:
    """Return the node that a request to move names."""
    return request.partition("#")[0].strip()


def number_of(request: str) -> int | None:
    """Return the move that a request to end one names; None where that is no number."""
    text = request.partition("#")[0].strip()
    return int(text) if text.isascii() and text.isdecimal() else None
