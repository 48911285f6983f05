"""Without PyTorch these tests are left out; `make test-runtime` runs them."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]
