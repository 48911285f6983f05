"""GPU packing: how much of a cluster is allocated when arrivals reach 130 % of its devices, policy by policy.

Usage: ``python benchmarks/openb.py --nodes FILE --pods FILE [--policies aif,fgd,...] [--seeds N]
[--output table|json]``

A replay as in the artefact of "Beware of Fragmentation" (Weng et al., USENIX ATC 2023): the list is shuffled, pods
drawn from it are appended until they ask for 130 % of the devices, each is placed or refused as it comes, none leaves.
``aif`` is the operator's own packing score. It and ``fgd`` know what the whole list asks for, as in the artefact, but
not in which order; ``aif-online`` knows what has arrived so far. ``aif-select`` is the
operator's whole decision, each pod an AIService: it knows what stands by now, and gives parts of a device out as
``aif-online`` does. The peers are written anew from their description.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
from openb_cluster import BadList, Cluster, Ints, Pods, load
from openb_policies import POLICIES as SCORED
from openb_policies import Policy
from openb_select import AifSelect
from rich.console import Console
from rich.table import Table

FIRST_SEED: Final = 42
"""As in the artefact, which has ten seeds from 42 on."""

POLICIES: Final = {**SCORED, "aif-select": AifSelect}

PUBLISHED: Final[dict[str, dict[str, tuple[float, float]]]] = {
    "openb_pod_list_default": {
        "random": (87.47, 0.32),
        "dotprod": (90.85, 0.20),
        "bestfit": (93.08, 0.13),
        "fgd": (95.39, 0.08),
    },
    "openb_pod_list_gpushare40": {
        "random": (86.00, 0.36),
        "dotprod": (89.56, 0.14),
        "bestfit": (91.69, 0.21),
        "fgd": (94.15, 0.07),
    },
    "openb_pod_list_multigpu20": {
        "random": (88.69, 0.48),
        "dotprod": (92.06, 0.32),
        "bestfit": (93.93, 0.23),
        "fgd": (95.65, 0.16),
    },
    "openb_pod_list_cpu050": {
        "random": (91.24, 0.21),
        "dotprod": (93.27, 0.19),
        "bestfit": (93.79, 0.14),
        "fgd": (95.21, 0.09),
    },
}
"""Mean and standard deviation over the ten seeds of the artefact, in per cent."""


def arrivals(pods: Pods, capacity: int, share: float, draw: np.random.Generator) -> Ints:
    """The classes in the order in which they arrive, until they ask for ``share`` of the devices."""
    order = draw.permutation(pods.kind)
    asked, limit = np.cumsum(pods.devices[order]), share * capacity
    if asked[-1] > limit:
        return np.asarray(order[: np.searchsorted(asked, limit, side="right")])
    more, total = [], int(asked[-1])
    if total:
        while True:
            kind = int(draw.choice(pods.kind))
            if total + pods.share[kind] > limit:
                break
            total += int(pods.devices[kind])
            more.append(kind)
    return np.concatenate([order, np.array(more, dtype=np.int64)])


def replay(name: str, cluster: Cluster, pods: Pods, share: float, seed: int) -> float:
    """Allocated devices in per cent once all have arrived."""
    draw = np.random.default_rng(seed)
    order = arrivals(pods, cluster.capacity, share, draw)
    here = cluster.copy()
    policy: Policy = POLICIES[name](here, pods, draw)
    for kind in order.tolist():
        chosen = policy.choose(kind)
        if chosen is not None:
            here.take(pods, chosen[0], kind, chosen[1])
            policy.changed(chosen[0])
    free = float(here.devices.sum())
    return 100.0 * (1.0 - free / cluster.capacity)


def measure(asked: argparse.Namespace) -> dict[str, object]:
    """The result as it is printed."""
    cluster, pods, source = load(asked.nodes, asked.pods)
    known = PUBLISHED.get(source.split(".")[0], {})
    figures: dict[str, dict[str, object]] = {}
    for name in asked.policies:
        started = time.perf_counter()
        seeds = range(FIRST_SEED, FIRST_SEED + asked.seeds)
        runs = [round(replay(name, cluster, pods, asked.arrivals, seed), 3) for seed in seeds]
        figures[name] = {
            "allocationPercent": round(statistics.fmean(runs), 3),
            "lowest": min(runs),
            "highest": max(runs),
            "runs": runs,
            "secondsPerRun": round((time.perf_counter() - started) / len(runs), 2),
        }
        if name in known:
            figures[name] |= {"publishedPercent": known[name][0], "publishedDeviation": known[name][1]}
    return {"source": source, "arrivals": asked.arrivals, "seeds": asked.seeds, "policies": figures}


def table(result: dict[str, object]) -> Table:
    """The result for people."""
    title = f"{result['source']}: devices allocated, per cent, over {result['seeds']} seeds"
    grid = Table("policy", "mean", "lowest", "highest", "published", "seconds a run", title=title)
    policies = result["policies"]
    for name, row in policies.items() if isinstance(policies, dict) else ():
        told = f"{row['publishedPercent']:.2f} ± {row['publishedDeviation']:.2f}" if "publishedPercent" in row else "-"
        means = [f"{row[key]:.2f}" for key in ("allocationPercent", "lowest", "highest")]
        grid.add_row(name, *means, told, f"{row['secondsPerRun']:.1f}")
    return grid


def _policies(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or (unknown := [name for name in names if name not in POLICIES]):
        raise argparse.ArgumentTypeError(f"{unknown[0] if names else 'none'} is not one of {', '.join(POLICIES)}")
    return names


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", type=Path, help="list of nodes, .csv or .csv.gz")
    parser.add_argument("--pods", type=Path, help="list of pods, .csv or .csv.gz")
    parser.add_argument("--policies", type=_policies, default=list(POLICIES), help=f"out of {','.join(POLICIES)}")
    parser.add_argument("--seeds", type=int, default=1, choices=range(1, 101), metavar="N")
    parser.add_argument("--arrivals", type=float, default=1.3, help="devices asked for over devices there are")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    asked = parser.parse_args()
    try:
        result = measure(asked)
    except (BadList, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if asked.output == "json":
        print(json.dumps(result, indent=2))
    else:
        Console(width=110).print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
