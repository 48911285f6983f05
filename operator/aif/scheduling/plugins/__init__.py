"""Filter and Score plug-ins, one per file and each independent of the others."""

from __future__ import annotations
