"""Annotations by which a person or a tool asks for something; whoever may edit an object may set them."""

from __future__ import annotations

MIGRATE_TO = "net4ai.io/migrate-to"
"""Asks for a move: the name of a ComputeNode or ``any``, and behind a ``#`` what makes the request a new one."""

ABORT = "net4ai.io/abort"
"""Ends a move: its number, and behind a ``#`` what makes the request a new one."""

ANYWHERE = "any"
"""A request that leaves the node to the operator."""

EVENT = "net4ai.io/event"
"""Says that an event has happened that a TrainingJob waits for: its name, as in ``spec.start.event``."""
