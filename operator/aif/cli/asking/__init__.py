"""The commands by which a person asks the operator for something: `aif approve`, `aif migrate`, `aif abort`."""

from __future__ import annotations
