"""All the input and output there is: reads the world into values, and carries actions out."""

from __future__ import annotations
