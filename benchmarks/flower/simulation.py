"""Run the job under Flower's simulation: its clients are actors of Ray."""

from __future__ import annotations

import json
import os
from typing import Any, Final

from flwr.simulation import run_simulation
from job import SETTINGS, client_app, server_app

BACKEND: Final[dict[str, Any]] = {
    "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
    "init_args": {"num_cpus": os.cpu_count()},
}

run_simulation(
    server_app=server_app,
    client_app=client_app,
    num_supernodes=json.loads(os.environ[SETTINGS])["clients"],
    backend_config=BACKEND,
)
