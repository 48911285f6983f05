"""The commands `aif top ...`: who takes what of the compute nodes, and how services fare."""

from __future__ import annotations
