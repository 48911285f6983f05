"""Moves of services from node to node, as structures for programs and on a screen."""

from __future__ import annotations
