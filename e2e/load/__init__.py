"""An open-loop load generator: `python -m load`. Requests are due at given times, whatever came back before."""
