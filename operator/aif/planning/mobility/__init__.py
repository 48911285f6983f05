"""Where a user group goes next, learned from where it has been, and whether its service moves ahead of it ([EDGE])."""

from __future__ import annotations
