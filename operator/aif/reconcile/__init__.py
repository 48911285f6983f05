"""Pure functions that turn a snapshot of the world into a decision, a module per kind."""

from __future__ import annotations
