"""The values the operator reasons about: what it saw, and what it decided to do."""

from __future__ import annotations
