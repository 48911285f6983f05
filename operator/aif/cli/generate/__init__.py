"""``python -m aif.cli.generate``: the files of the repository that are made of the models and of one another."""

from __future__ import annotations
