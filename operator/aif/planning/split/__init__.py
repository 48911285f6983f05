"""Where to cut a model: between two sides, over several in a row, or row by row over peers ([6GANA], [MCFN])."""

from __future__ import annotations
