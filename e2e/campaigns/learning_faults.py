"""Training jobs on real nodes under faults: each ends as well as an undisturbed one, and no finished round is lost.

Usage, as root: `python -m campaigns.learning_faults --rounds 16 --seed 1`

Ten clients learn together, a round needs six of them; and two groups of three learn over two levels. Each of both runs
undisturbed once, then once per fault. Every seed gives the same jobs, and the same moments of the faults.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Annotated, Final

import numpy as np
import striking
import typer
from learning_place import Place
from rest import Json
from rich.console import Console
from round_watch import RoundWatch, Seen
from training_jobs import a_training_job

from campaigns.learning_field import CLIENTS, LOST, federated, field, groups
from campaigns.printing import Figure, Output, tell
from cluster.progress import Steps

POINTS: Final = 200
"""An accuracy may be so many hundredths of a per cent below that of the undisturbed job."""

_PATIENCE_S: Final = 600.0
_KILLS: Final = 3

Strike = Callable[[Place, str, RoundWatch, np.random.Generator, "Run | None"], str]


@dataclass(frozen=True, slots=True)
class Run:
    """How a job ended.

    `struck`: what was hit. `before`: rounds that were finished then.
    """

    accuracy: int
    rounds: int
    seconds: float
    seen: Seen
    status: Json
    struck: str = ""
    before: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to a job: its name for people, that of the job, what is done, and further fields."""

    title: str
    job: str
    strike: Strike
    spec: Mapping[str, str] = dataclass_field(default_factory=dict)


def _operator(place: Place, job: str, watch: RoundWatch, rng: np.random.Generator, calm: Run | None) -> str:
    """Kill the operator at moments drawn from the time that the undisturbed job took."""
    del job, watch
    moments = sorted(rng.uniform(0.0, 0.8 * (calm.seconds if calm else 30.0), size=_KILLS).tolist())
    began = time.monotonic()
    for moment in moments:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        striking.kill_operator(place)
    return "after " + ", ".join(f"{moment:.1f}" for moment in moments) + " s"


def _in_a_round(strike: Callable[[Place, str], str]) -> Strike:
    """Return a strike that waits until a round of the first half is done, and so hits the one behind it."""

    def struck(place: Place, job: str, watch: RoundWatch, rng: np.random.Generator, calm: Run | None) -> str:
        most = max(2, (calm.rounds if calm else 2) // 2)
        watch.await_round(int(rng.integers(2, most + 1)), _PATIENCE_S)
        return strike(place, job)

    return struck


def _aggregator(place: Place, job: str) -> str:
    return striking.delete_pods(place, job, "aggregator")


FEDERATED: Final = (
    Fault("operator killed", "killed", _operator),
    Fault("API server restarted", "outage", _in_a_round(lambda place, _: striking.restart_api_server(place))),
    Fault("aggregator's pod deleted", "headless", _in_a_round(_aggregator)),
    # Strangers with a certificate of nobody's would not get as far as to send anything.
    Fault("clients send garbage", "garbage", _in_a_round(striking.send_garbage), {"tls": "None"}),
    Fault(
        f"{LOST} of {CLIENTS} clients lost",
        "thinned",
        _in_a_round(lambda place, job: striking.lose_node(place, job, "client", LOST)),
    ),
)
TWO_LEVELS: Final = (
    Fault("two levels: aggregator's pod deleted", "topless", _in_a_round(_aggregator)),
    Fault(
        "two levels: local function's node lost",
        "uprooted",
        _in_a_round(lambda place, job: striking.lose_node(place, job, "local-a")),
    ),
)


def main(
    rounds: Annotated[int, typer.Option(min=4, help="Rounds of each job.")] = 16,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data of a client per round.")] = 200,
    seed: Annotated[int, typer.Option(help="From which data, models and moments are drawn.")] = 1,
    only: Annotated[
        list[str] | None, typer.Option(help="Just this fault, by the name of its job; several times.")
    ] = None,
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TABLE,
) -> None:
    """Disturb training jobs in every way."""
    figures: list[Figure] = []
    with Steps(Console(stderr=True)) as steps, field(steps) as place:
        for calm, faults, spec in (
            ("federated", FEDERATED, federated(place, rounds, epochs, seed)),
            ("groups", TWO_LEVELS, groups(rounds, epochs, seed)),
        ):
            chosen = [fault for fault in faults if not only or fault.job in only]
            figures += _all(place, calm, chosen, spec, seed, steps) if chosen else []
    tell(f"Training jobs under faults, {rounds} rounds, seed {seed}", figures, output)


def _all(place: Place, name: str, faults: Sequence[Fault], spec: Json, seed: int, steps: Steps) -> list[Figure]:
    """Run a job undisturbed, then once per fault."""
    with steps.run(f"{name}: undisturbed"):
        calm = _run(place, Fault("", name, lambda *_: ""), spec, np.random.default_rng(seed), None)
    figures = [Figure(f"{name}, undisturbed: accuracy, %", calm.accuracy / 100), *_kept(f"{name}, undisturbed", calm)]
    for at, fault in enumerate(faults):
        try:
            with steps.run(fault.title):
                run = _run(place, fault, spec, np.random.default_rng([seed, at]), calm)
        except AssertionError as error:
            figures.append(Figure(f"{fault.title}: ended", "no", holds=False, detail=str(error)[:300]))
        else:
            figures += _figures(fault, run, calm)
            steps.say(f"      {run.accuracy / 100:.2f} %, undisturbed {calm.accuracy / 100:.2f} %")
    return figures


def _run(place: Place, fault: Fault, spec: Json, rng: np.random.Generator, calm: Run | None) -> Run:
    """Apply a job, strike it, and wait for its end; then it is removed."""
    with ExitStack() as stack:
        watch = RoundWatch(place, fault.job)
        seen = stack.enter_context(watch.running())
        began = time.monotonic()
        place.jobs.apply(a_training_job(fault.job, **{**spec, **fault.spec}))
        struck = fault.strike(place, fault.job, watch, rng, calm)
        before = seen.last
        status = place.await_complete(fault.job, _PATIENCE_S)
        seconds = time.monotonic() - began
    place.remove(fault.job)
    result = status["result"]
    return Run(result["accuracyBasisPoints"], seen.last, seconds, seen, status, struck, before)


def _figures(fault: Fault, run: Run, calm: Run) -> list[Figure]:
    progress = run.status["progress"]
    detail = (
        f"undisturbed {calm.accuracy / 100:.2f}; epoch {progress['epoch']}, {progress['answered']} in the last round"
    )
    return [
        Figure(f"{fault.title}: accuracy, %", run.accuracy / 100, calm.accuracy - run.accuracy <= POINTS, detail),
        Figure(f"{fault.title}: rounds finished before it was over", run.before, None, run.struck),
        Figure(f"{fault.title}: rounds finished in the end", run.rounds, run.rounds == calm.rounds),
        *_kept(fault.title, run),
        Figure(f"{fault.title}: seconds", run.seconds, None, f"undisturbed {calm.seconds:.0f}"),
    ]


def _kept(title: str, run: Run) -> list[Figure]:
    broken = run.seen.broken
    return [Figure(f"{title}: finished rounds lost or done again", len(broken), not broken, "; ".join(broken[:3]))]


if __name__ == "__main__":
    typer.run(main)
