"""Why a service is where it is, what happened to it, and what a person can do: `aif explain`, `aif history`."""

from __future__ import annotations
