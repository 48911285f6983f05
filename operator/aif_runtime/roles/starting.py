"""When a job starts: at once, on an event, or once a condition holds ([NET4AI])."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from aif_runtime.roles.settings import Part

log = logging.getLogger(__name__)
_LOOK: Final = 0.1


class StartPart(Part):
    """When a job starts.

    Attributes:
        when: Request starts it at once. Event waits for the file ``path``, such as one that whoever wrote new data
            leaves behind. Condition waits for ``clients``. Routine waits, at the aggregator, for the routine manager.
        path: The file that is the event.
        clients: So many clients have to be there; at the routine manager, so many terminals have to consent.
    """

    when: Literal["Request", "Event", "Condition", "Routine"] = "Request"
    path: Path | None = None
    clients: Annotated[int, Field(ge=1, le=100_000)] | None = None

    @model_validator(mode="after")
    def _says_what_it_waits_for(self) -> Self:
        for word, name, given in (("Event", "path", self.path), ("Condition", "clients", self.clients)):
            if (self.when == word) != (given is not None):
                raise ValueError(f"{name} is for {word}, which needs it")
        return self

    def holds(self, clients: int, routine: str = "") -> bool:
        """Return whether the job may start, with so many clients, and the routine in a phase."""
        match self.when:
            case "Event":
                return self.path is not None and self.path.exists()
            case "Condition":
                return clients >= (self.clients or 0)
            case "Routine":
                return routine not in {"", "Pending"}
        return True

    @property
    def awaited(self) -> str:
        """What is waited for, in words."""
        words = {
            "Event": f"the job starts once {self.path} is there",
            "Condition": f"the job starts once {self.clients} clients are there",
            "Routine": "the job starts once the routine manager does",
        }
        return words.get(self.when, "")


async def until_started(start: StartPart, clients: Callable[[], int], routine: Callable[[], str]) -> None:
    """Wait until a job may start."""
    while not start.holds(clients(), routine()):  # noqa: ASYNC110 - a file tells nobody that it is there
        await asyncio.sleep(_LOOK)
    log.info("Started the job", extra={"when": start.when})
