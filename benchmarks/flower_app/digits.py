"""The federated job of `bench_learning.py` as an app of Flower's: the same model, data, seed and passes a round."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from aif_runtime.learning.data import Split, digits
from aif_runtime.learning.learner import Plan
from aif_runtime.learning.mlp import Mlp
from aif_runtime.learning.models import built
from aif_runtime.learning.training import Turn, evaluate, train

CLIENTS, SEED = 3, 7
PLAN = Plan(epochs=3)
client = ClientApp()
server = ServerApp()


def a_model() -> Mlp:
    """Return the model with its first numbers."""
    return built("mlp-3", (), digits(Split(SEED)).task, SEED, PLAN)


def record(model: Mlp) -> ArrayRecord:
    """Return a model's numbers as Flower wants them."""
    return ArrayRecord({name: Array(array) for name, array in model.state.items()})


def loaded(arrays: ArrayRecord) -> Mlp:
    """Return a model with the numbers of a record."""
    model = a_model()
    model.load({name: array.numpy() for name, array in arrays.items()})
    return model


@client.train()
def learn(message: Message, context: Context) -> Message:
    """Train for one round on this client's part."""
    index, turn = int(context.node_config["index"]), int(message.content["config"]["server-round"])
    model = loaded(message.content["arrays"])
    examples = digits(Split(SEED, CLIENTS)).client(index)
    train(model, examples, PLAN, Turn(SEED, index, turn))
    metrics = MetricRecord({"num-examples": len(examples)})
    return Message(RecordDict({"arrays": record(model), "metrics": metrics}), reply_to=message)


@server.main()
def main(grid: Grid, context: Context) -> None:
    """Run all rounds, and write down when each was done."""
    data = digits(Split(SEED))
    done: list[float] = []

    def judge(turn: int, arrays: ArrayRecord) -> MetricRecord:
        accuracy = evaluate(loaded(arrays), data.test(), data.task)["accuracy"]
        done.append(time.time())
        Path(os.environ["AIF_FLOWER_RESULT"]).write_text(
            json.dumps({"done": done, "accuracy": accuracy, "round": turn})
        )
        return MetricRecord({"accuracy": accuracy})

    strategy = FedAvg(fraction_evaluate=0.0, min_train_nodes=CLIENTS, min_available_nodes=CLIENTS)
    rounds = int(context.run_config["rounds"])
    strategy.start(grid, record(a_model()), num_rounds=rounds, evaluate_fn=judge, timeout=300)
