"""Files as people write them, objects and profiles: read with the place of each value, and judged strictly."""

from __future__ import annotations
