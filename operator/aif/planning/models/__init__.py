"""Neural networks as tables of layers: how they are described, where they may be cut, and tables of published ones."""

from __future__ import annotations
