"""The commands about training jobs: `aif train status`, `logs` and `plot`."""

from __future__ import annotations
