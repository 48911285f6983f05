"""A small student learns from a large teacher: what the teacher thinks of all answers says more than the right one."""

from __future__ import annotations

import numpy as np

from aif_runtime.learning.arrays import Floats
from aif_runtime.learning.data import Examples
from aif_runtime.learning.learner import Learner, Plan
from aif_runtime.learning.losses import log_softmax, softmax
from aif_runtime.learning.training import Turn, batches


def divergence(student: Floats, teacher: Floats, temperature: float) -> tuple[float, Floats]:
    """Return T²·KL(teacher ‖ student) of softened logits, the mean over the examples, and its gradient.

    Both of shape [examples, classes]. The factor T² keeps the gradient as large as that of the labels.
    """
    heat = np.float32(temperature)
    wanted = softmax(teacher / heat)
    logs = log_softmax(student / heat)
    loss = float((wanted * (log_softmax(teacher / heat) - logs)).sum(axis=1).mean()) * temperature**2
    gradient: Floats = np.multiply(np.exp(logs) - wanted, temperature / len(student), dtype=np.float32)
    return loss, gradient


def distil(student: Learner, teacher: Learner, examples: Examples, plan: Plan, turn: Turn, temperature: float) -> float:
    """Train the student for one round on the teacher's answers; return the mean loss. Labels are not looked at."""
    student.plan = plan
    total = seen = 0.0
    for rows in batches(len(examples), plan, turn):
        x = examples.at(rows).x
        loss, gradient = divergence(student.outputs(x), teacher.predict(x), temperature)
        student.descend(gradient)
        total += loss * len(x)
        seen += len(x)
    return total / seen
