"""Campaigns: hundreds of services, losses and crashes on a real control plane, with invariants sampled meanwhile.

Each is a program: `python -m campaigns.placement`, `campaigns.crashes`, `campaigns.mass_loss`, with `e2e` on the path.
They start the operator with the tools of the end-to-end tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

if (_TESTS := str(Path(__file__).resolve().parent.parent / "tests")) not in sys.path:
    sys.path.append(_TESTS)
