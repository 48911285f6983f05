"""The commands `aif kpi ...`: figures of merit of a profile, without a cluster."""

from __future__ import annotations
