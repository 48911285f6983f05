"""What a training job is expected to take: bytes on links and on its claim, arithmetic, energy ([6GANA] section 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, isfinite, nan
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from aif.api.trainingjob import Mode, TrainingJob
from aif.api.trainingjob_learning import DataSource, LearnedData, StrategyName
from aif.api.trainingjob_model import LearnedModel
from aif.planning.arrays import FloatArray
from aif.planning.kpi.inference import Channel, Platform
from aif.planning.kpi.training import RoundKpi, TrainingWork, distributed

BYTES: Final = 4
"""Of a number."""

_LEARNING: Final = 3.0
"""Arithmetic of learning from an example, by that of a pass forward: once forward, twice backward."""

_CHECKPOINTS: Final = 2
"""Rounds that are kept."""

_NOTE: Final = 256
"""Bytes that the note beside a checkpoint tells of each round."""

_NOTED: Final = 1000
"""Rounds that it tells of at most."""

_SIZES: Final = {DataSource.DIGITS: (64, 10, 1438), DataSource.BREAST_CANCER: (30, 2, 455)}
"""Features, outputs and examples to learn from, of data whose size is fixed."""

_DRAWN: Final = {DataSource.SYNTHETIC: (8, 2), DataSource.IMAGES: (3 * 32 * 32, 10)}
"""Features and outputs of data that are made for each client."""

_PICTURES: Final = {DataSource.DIGITS: (1, 8, 8), DataSource.IMAGES: (3, 32, 32)}

_PRESSURE: Final = "blood-pressure"
_PRESSURE_HIDDEN: Final = (64, 32)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a whole job takes; NaN where a figure of the model is missing.

    Attributes:
        model_bytes: All numbers of the model.
        round_bytes: What a round sends over links.
        total_bytes: What all rounds send.
        storage_bytes: Checkpoints and the finished model.
        flops: Arithmetic of all rounds.
        examples: Examples that are learned from in a round, over all clients.
    """

    model_bytes: float
    round_bytes: float
    total_bytes: float
    storage_bytes: float
    flops: float
    examples: float


def expected(job: TrainingJob) -> Expected:
    """Return what ``job`` is expected to take, if it goes on to its last round."""
    spec = job.spec
    size, flops = model_figures(spec.model, spec.data)
    examples = _examples(job)
    per_round = _round_bytes(job, size, examples)
    passes = examples * spec.rounds.local_epochs * spec.rounds.max
    return Expected(
        size, per_round, per_round * spec.rounds.max, _storage_bytes(job, size), _LEARNING * flops * passes, examples
    )


def _storage_bytes(job: TrainingJob, size: float) -> float:
    """Return the bytes of checkpoints, and of the finished model.

    A checkpoint holds the model as it stands, the best one, and what the optimiser remembers of each number.
    """
    spec = job.spec
    alone = not job.client_count
    remembered = int(alone and spec.training.momentum_percent > 0)
    if not alone and spec.strategy.name is StrategyName.FED_ADAM:
        remembered = 2
    notes = _NOTE * min(_NOTED, spec.rounds.max)
    return _CHECKPOINTS * ((2 + remembered) * size + notes) + size + notes


def model_figures(model: LearnedModel, data: LearnedData) -> tuple[float, float]:
    """Return bytes and FLOP of a pass forward: as told, or as follows from the name of a built-in model."""
    layers = layer_widths(model, data)
    weights = sum(one * other for one, other in pairwise(layers)) if layers else nan
    numbers = weights + sum(layers[1:])
    size = nan if model.size_bytes is None else float(model.size_bytes)
    flops = nan if model.flops_per_example is None else float(model.flops_per_example)
    return (size if isfinite(size) else BYTES * numbers), (flops if isfinite(flops) else 2.0 * weights)


def layers_of(model: LearnedModel) -> int:
    """Return how many layers of weights a built-in perceptron has; 0 for another model."""
    if model.name == _PRESSURE:
        return len(_PRESSURE_HIDDEN) + 1
    found = re.fullmatch(r"mlp-(\d{1,2})", model.title)
    return int(found[1]) if found else 0


def layer_widths(model: LearnedModel, data: LearnedData) -> tuple[int, ...]:
    """Return the widths of a built-in perceptron, its input first; none for another model, or one that cannot be."""
    count, ends = layers_of(model), _ends(data)
    if ends is None or not count:
        return ()
    drawn = tuple(max(32, 128 >> place) for place in range(count - 1))
    inner = tuple(model.hidden) or (_PRESSURE_HIDDEN if model.name == _PRESSURE else drawn)
    return (ends[0], *inner, ends[1]) if len(inner) == count - 1 else ()


def layer_names(model: LearnedModel) -> tuple[str, ...]:
    """Return the names of the layers of a built-in perceptron, behind each of which but the last it can be cut."""
    count = layers_of(model)
    return tuple(name for place in range(1, count + 1) for name in (f"fc{place}", f"relu{place}"))[:-1]


def shape_of(data: LearnedData) -> tuple[int, ...]:
    """Return the shape of one example; none where only the function knows that returns the data."""
    if data.task is not None:
        return tuple(data.task.shape) or (data.task.features,)
    ends = _ends(data)
    return _PICTURES.get(data.source, ends[:1] if ends else ())


def spending(
    job: TrainingJob,
    watts: ArrayLike,
    flops_per_second: ArrayLike,
    bits_per_second: ArrayLike,
    link_watts: ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    """Return seconds and joules of all rounds, for each kind of node that all learners may be; NaN where unknown.

    By the model of distributed training ([6GANA] section 5); a worker that learns alone sends nothing. A job takes at
    least so much: rates are peaks, and a link of which nothing is known counts for nothing. How long learning over a
    cut takes depends on more than a node: NaN.

    Args:
        job: What learns.
        watts: Power of a node that learns, W.
        flops_per_second: Its rate, FLOP/s.
        bits_per_second: Rate of its link, bit/s.
        link_watts: Power of the link while it sends, W.
    """
    rate, power = _known(flops_per_second), _known(watts)
    one = _of_unit(job)
    if one is None:
        nothing = np.full(np.broadcast_shapes(rate.shape, power.shape), nan)
        return nothing, nothing
    # Several workers share each batch: it takes them less time, and no less energy.
    seconds, joules = one.compute_seconds / rate / job.spec.workers, one.compute_joules * power / rate
    if job.client_count:
        link, sending = _known(bits_per_second), _known(link_watts)
        seconds = seconds + np.nan_to_num(one.communication_seconds / link)
        joules = joules + np.nan_to_num(one.communication_joules * sending / link)
    rounds = job.spec.rounds.max
    parted = job.spec.mode in (Mode.SPLIT, Mode.TWO_LEVEL)
    return np.asarray(np.full_like(joules, nan) if parted else rounds * seconds), np.asarray(rounds * joules)


def _known(figures: ArrayLike) -> FloatArray:
    told = np.asarray(figures, dtype=np.float64)
    return np.where(told > 0.0, told, nan)


def _of_unit(job: TrainingJob) -> RoundKpi | None:
    """Return a round on nodes of 1 FLOP/s and 1 W, over links of 1 bit/s and 1 W; None where a figure is missing."""
    plan, clients, rounds = expected(job), max(1, job.client_count), job.spec.rounds
    known = isfinite(plan.model_bytes) and isfinite(plan.flops) and plan.model_bytes > 0.0 and plan.flops > 0.0
    if not known or job.spec.mode is Mode.COMPRESSION:
        return None
    link = Channel(1.0, 1.0)
    work = TrainingWork(
        parameters=plan.model_bytes / BYTES,
        bits_per_parameter=8 * BYTES,
        flops_per_sample=plan.flops / (plan.examples * rounds.local_epochs * rounds.max),
        input_bits=8 * BYTES,
        samples=plan.examples,
        samples_per_user=ceil(plan.examples / clients),
        rounds=rounds.max,
        epochs_per_round=rounds.local_epochs,
        users_per_round=clients,
    )
    return distributed(work, Platform(1.0, 1.0), link, link, link).per_round


def _ends(data: LearnedData) -> tuple[int, int] | None:
    if data.task is not None:
        return data.task.features, data.task.outputs
    return _SIZES[data.source][:2] if data.source in _SIZES else _DRAWN.get(data.source)


def _examples(job: TrainingJob) -> float:
    data = job.spec.data
    fixed = _SIZES.get(data.source)
    return float(fixed[2] if fixed else data.examples_per_client * max(1, job.client_count))


def _round_bytes(job: TrainingJob, size: float, examples: float) -> float:
    """Return the bytes of a round: models both ways, one for who judges, activations where the model is parted."""
    spec = job.spec
    match spec.mode:
        case Mode.FEDERATED:
            asked = max(1, job.client_count * spec.strategy.client_percent // 100)
            return (2 * asked + 1) * size
        case Mode.SPLIT | Mode.TWO_LEVEL:
            servers = max(1, len(spec.groups))
            widest = max(layer_widths(spec.model, spec.data)[1:], default=0) or nan
            activations = 2 * BYTES * widest * examples * spec.rounds.local_epochs
            return (2 * servers + 1) * size + 2 * job.client_count * size + activations
        case _:
            # Gradients go round in a ring: each worker sends and gets nearly two of them for every step.
            steps = ceil(examples / (spec.training.batch_size or examples)) * spec.rounds.local_epochs
            return 2.0 * (spec.workers - 1) * steps * size if spec.workers > 1 else 0.0
