"""How the benchmarks of moves tell their results: as the campaigns do."""

from __future__ import annotations

from campaigns.printing import Output, machine

__all__ = ["Output", "machine"]
