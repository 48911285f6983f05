"""What can go wrong with a local cluster.

* ClusterError: anything that a user can act on; its text says what to do next

  * ToolMissing: a program or library that has to be installed
  * BuildFailed: Go could not download or compile a part
  * PartDied: a part of the cluster ended by itself; carries its last log lines
"""

from __future__ import annotations

from pathlib import Path


class ClusterError(Exception):
    """A failure whose text tells the user what to do next."""


class ToolMissing(ClusterError):
    """A program that has to be installed first."""


class BuildFailed(ClusterError):
    """Go could not download or compile a part; the text names the log."""


class PartDied(ClusterError):
    """A part of the cluster ended by itself, or never became ready."""

    def __init__(self, part: str, log: Path, lines: tuple[str, ...], fact: str = "ended by itself") -> None:
        """Word the failure of `part` with its last log lines and where the rest of the log is."""
        self.part = part
        self.log = log
        self.lines = lines
        quoted = "\n".join(f"    {line}" for line in lines) or "    (the log is empty)"
        super().__init__(f"{part} {fact}; its last log lines:\n{quoted}\n  whole log: {log}")
