"""Pure formulas that turn a template and a node into demands, latencies and figures of energy."""

from __future__ import annotations
