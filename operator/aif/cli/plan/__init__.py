"""The commands `aif plan ...`: the planner's decisions about a profile, a module per sub-command."""

from __future__ import annotations
