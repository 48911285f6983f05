"""Many services on many nodes at once, with a bound on any placement; devices packed with little waste."""

from __future__ import annotations
