"""What `bench_operator.py` is made of: a control plane, operators that write the same, and what its audit log says.

The control plane and the tools to start the operator are those of the end-to-end tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

for folder in ("operator", "e2e", "e2e/tests"):
    if (place := str(ROOT / folder)) not in sys.path:
        sys.path.append(place)
