"""Runs the load generator as `python -m load`."""

from __future__ import annotations

from load.cli import main

if __name__ == "__main__":
    main()
