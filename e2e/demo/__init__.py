"""The demo: a cluster, the operator, a small mobile network and its services; `python -m demo up` and `down`."""
