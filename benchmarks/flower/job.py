"""The federated job of `bench_flower.py` as an app of Flower's: the same model, data, plan and order of batches.

It runs in the environment that `bench_flower.py` makes, under Flower's simulation or its daemons. The server leaves a
file behind: when the first model and that of each round was judged, how well, and the digest of the last.
"""

from __future__ import annotations

import json
import os
import time
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from aif_runtime.learning.arrays import Arrays, digest
from aif_runtime.learning.data import Dataset, Split, digits
from aif_runtime.learning.learner import Learner, Plan
from aif_runtime.learning.models import built
from aif_runtime.learning.training import Turn, evaluate, train

SETTINGS: Final = "AIF_FLOWER_JOB"

server_app = ServerApp()
client_app = ClientApp()


@cache
def parts(clients: int, epochs: int, seed: int) -> tuple[Dataset, Learner, Plan]:
    """Return data, model and plan; a process makes them once."""
    data, plan = digits(Split(seed=seed, clients=clients)), Plan(epochs=epochs)
    return data, built("mlp-3", (), data.task, seed, plan), plan


def record_of(arrays: Arrays) -> ArrayRecord:
    """Return numbers as Flower sends them."""
    return ArrayRecord({name: Array(np.ascontiguousarray(numbers)) for name, numbers in arrays.items()})


def arrays_of(record: ArrayRecord) -> Arrays:
    """Return the numbers of a record."""
    return {name: array.numpy() for name, array in record.items()}


@client_app.train()
def learned(message: Message, context: Context) -> Message:
    """Train for one round."""
    config = message.content.config_records["config"]
    clients, epochs, seed, turn = (int(config[name]) for name in ("clients", "epochs", "seed", "server-round"))
    index = int(context.node_config["partition-id"])
    data, learner, plan = parts(clients, epochs, seed)
    learner.load(arrays_of(message.content.array_records["arrays"]))
    learner.forget()
    examples = data.client(index)
    loss = train(learner, examples, plan, Turn(seed, index, turn))
    metrics = MetricRecord({"num-examples": len(examples), "loss": loss})
    return Message(RecordDict({"arrays": record_of(learner.state), "metrics": metrics}), reply_to=message)


@server_app.main()
def serve(grid: Grid, context: Context) -> None:
    """Run all rounds, and judge each."""
    del context
    job = json.loads(os.environ[SETTINGS])
    clients = int(job["clients"])
    data, learner, _ = parts(clients, job["epochs"], job["seed"])
    test, found = data.test(), {"times": list[float](), "accuracy": list[float]()}

    def judge(turn: int, record: ArrayRecord) -> MetricRecord:
        del turn
        learner.load(arrays_of(record))
        found["accuracy"].append(evaluate(learner, test, data.task)["accuracy"])
        found["times"].append(time.time())
        return MetricRecord({"accuracy": found["accuracy"][-1]})

    while len(list(grid.get_node_ids())) < clients:
        time.sleep(0.05)
    strategy = FedAvg(fraction_train=1.0, fraction_evaluate=0.0, min_train_nodes=clients, min_available_nodes=clients)
    strategy.start(
        grid=grid,
        initial_arrays=record_of(learner.state),
        num_rounds=job["rounds"],
        train_config=ConfigRecord({name: job[name] for name in ("clients", "epochs", "seed")}),
        evaluate_fn=judge,
    )
    Path(job["out"]).write_text(json.dumps({**found, "digest": digest(learner.state)}), encoding="utf-8")
