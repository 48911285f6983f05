"""Annotations by which a person asks for a move; whoever may edit an AIService may set them, no status is needed."""

from __future__ import annotations

MIGRATE_TO = "net4ai.io/migrate-to"
"""Asks for a move: the name of a ComputeNode or ``any``, and behind a ``#`` what makes the request a new one."""

ABORT = "net4ai.io/abort"
"""Ends a move: its number, and behind a ``#`` what makes the request a new one."""

ANYWHERE = "any"
"""A request that leaves the node to the operator."""
