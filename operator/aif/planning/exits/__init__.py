"""Early exits under a deadline: which exit and cut, on changing links, and when unsure answers go a tier up."""

from __future__ import annotations
