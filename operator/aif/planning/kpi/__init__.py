"""Figures of merit: of one request, of divided inference, of training, of data, of an area ([6GANA] section 5)."""

from __future__ import annotations
