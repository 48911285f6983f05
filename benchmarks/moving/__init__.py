"""What `bench_moves.py` and `bench_breach.py` are made of: real nodes, services under load, and ways to move them.

Cluster and operator are started with the tools of the end-to-end tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

for folder in ("operator", "e2e", "e2e/tests"):
    if (place := str(ROOT / folder)) not in sys.path:
        sys.path.append(place)
