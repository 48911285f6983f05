"""QoAIS, the quality of an AI service: indicators, what they ask of each resource, schemes compared ([6GANA])."""

from __future__ import annotations
