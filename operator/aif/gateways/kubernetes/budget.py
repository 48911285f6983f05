"""A token bucket: how much may be written to the API server."""

from __future__ import annotations


class Budget:
    """Tokens that come back at a fixed rate, up to a burst."""

    def __init__(self, per_second: float, burst: int) -> None:
        raise NotImplementedError

    async def take(self) -> float:
        """Take one token, waiting for it in turn; return the seconds waited."""
        raise NotImplementedError
