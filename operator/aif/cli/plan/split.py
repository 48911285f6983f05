"""`aif plan split`: where to cut a model between two sides, over several, or over peers row by row."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from aif.cli.files.profiles import ProfileModel, answered, load
from aif.cli.output import Output, show
from aif.cli.plan.profiles import BitsProfile, HopLink, LimitsProfile, LinkedSide, ModelProfile, SideProfile
from aif.cli.plan.split_view import paint, view
from aif.cli.plots import draw
from aif.errors import InvalidSpec
from aif.planning.models.chain import Chain, Hop, Side
from aif.planning.models.graph import ModelGraph
from aif.planning.split.chain import ChainSplit, Objective, best_cut
from aif.planning.split.graph import Case, best_graph_cut
from aif.planning.split.hops import best_hops
from aif.planning.split.vertical import Peer, best_vertical

Json = dict[str, Any]
_Sides = Annotated[list[LinkedSide], Field(min_length=1, max_length=16)]


class SplitProfile(ProfileModel):
    """A model and the sides that may run it.

    With ``network`` the model is cut between the user and the network, over ``hops`` in between where there are some;
    with ``peers`` it is divided row by row.
    """

    model: ModelProfile
    bits: BitsProfile = BitsProfile()
    objective: Annotated[Objective, Field(strict=False)] = Objective.LATENCY
    limits: LimitsProfile = LimitsProfile()
    user: SideProfile
    hops: _Sides | None = None
    network: SideProfile | None = None
    link: HopLink | None = None
    peers: _Sides | None = None
    cloud: LinkedSide | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.peers is None:
            self._judge_path()
        else:
            self._judge_peers()
        return self

    def _judge_path(self) -> None:
        for field in ("network", "link"):
            if getattr(self, field) is None:
                raise InvalidSpec(field, "is required, unless peers share the model row by row")
        if self.cloud is not None:
            raise InvalidSpec("cloud", "takes what peers cannot hold; name peers, or call it network")
        limits = self.limits
        if self.hops is not None and (limits.latency_seconds or limits.energy_joules):
            raise InvalidSpec("limits", "over several hops may not bound latency and energy; make one the objective")

    def _judge_peers(self) -> None:
        for field in ("network", "hops"):
            if getattr(self, field) is not None:
                raise InvalidSpec(field, "must not stand beside peers; what they cannot hold goes to cloud")
        if self.objective is not Objective.LATENCY or self.limits != LimitsProfile():
            raise InvalidSpec(
                "peers", "are shared for least latency and without limits; leave objective and limits away"
            )
        if self.model.graph is None or self.model.layers is not None:
            raise InvalidSpec("peers", "need a model that is known by name: rows of layers of one's own are not told")


def run(path: str, output: Output, plot: str) -> None:
    """Print how the model of the profile ``path`` is divided best, and draw it to ``plot``.

    Raises:
        InvalidInput: The profile cannot be read or breaks a rule, no split keeps every limit, or the picture cannot be
            drawn.
    """
    profile = load(path, SplitProfile)
    structure = answered(path, profile, split)
    draw(plot, lambda figure: paint(structure, figure))
    show(structure, output, lambda _: view(structure))


def split(profile: SplitProfile) -> Json:
    """Return the best way to divide the model.

    Raises:
        NoSplit: No way keeps every limit.
    """
    head = {"model": profile.model.name, "objective": str(profile.objective)}
    if profile.peers is not None:
        return {**head, "vertical": _vertical(profile, profile.peers)}
    if profile.network is None or profile.link is None:
        raise InvalidSpec("network", "is required, unless peers share the model row by row")
    chain, network, hop = profile.model.chain(profile.bits.encoding), profile.network.side("network"), profile.link.hop
    if profile.hops is not None:
        sides = [profile.user.side("user"), *(one.named for one in profile.hops), network]
        return {**head, "path": _path(profile, chain, sides, [*(one.link.hop for one in profile.hops), hop])}
    user = profile.user.side("user")
    found = best_cut(chain, user, network, hop, profile.objective, profile.limits.limits)
    graph = profile.model.graph
    case = Case(user, network, hop, profile.objective, profile.limits.limits, profile.bits.encoding)
    any_cut = (
        {"graph": _any_cut(graph, case)} if graph is not None and len(graph.legal_cuts) < len(graph.layers) else {}
    )
    return {**head, "best": _best(chain, found, profile.objective), **any_cut, "cuts": _cuts(chain, found)}


def _best(chain: Chain, found: ChainSplit, objective: Objective) -> Json:
    return {
        "cut": chain.names[found.cut],
        "userFlop": float(chain.flops[found.cut]),
        "networkFlop": chain.total - float(chain.flops[found.cut]),
        "transferBits": float(chain.bits[found.cut]),
        "value": float(found.costs.of(objective)[found.cut]),
        "gain": found.gain,
    }


def _cuts(chain: Chain, found: ChainSplit) -> list[Json]:
    costs = found.costs
    columns = {
        "userFlop": chain.flops,
        "transferBits": chain.bits,
        "userSeconds": costs.user_seconds,
        "transferSeconds": costs.transfer_seconds,
        "networkSeconds": costs.network_seconds,
        "latencySeconds": costs.latency_seconds,
        "energyJoules": costs.joules,
        "intervalSeconds": costs.interval_seconds,
    }
    return [
        {
            "name": name,
            **{key: float(column[row]) for key, column in columns.items()},
            "allowed": bool(found.allowed[row]),
        }
        for row, name in enumerate(chain.names)
    ]


def _any_cut(graph: ModelGraph, case: Case) -> Json:
    """Return the best way to divide the graph, cuts of several tensors included."""
    found = best_graph_cut(graph, case)
    return {
        "sent": [graph.layers[layer].name for layer in found.sent],
        "userLayers": len(found.user_layers),
        "networkLayers": len(graph.layers) - len(found.user_layers),
        "value": found.value,
        "gain": found.gain,
    }


def _path(profile: SplitProfile, chain: Chain, sides: list[Side], hops: list[Hop]) -> Json:
    found = best_hops(chain, sides, hops, profile.objective, profile.limits.limits)
    ends = (0, *found.cuts, len(chain.names) - 1)
    parts = [
        {
            "side": side.name,
            "after": chain.names[begin],
            "upTo": chain.names[end],
            "flop": float(chain.flops[end] - chain.flops[begin]),
            "seconds": float(chain.flops[end] - chain.flops[begin]) / side.rate,
            "sendsBits": float(chain.bits[end]) if place < len(hops) else 0.0,
            "sendSeconds": float(hops[place].seconds(chain.bits[end : end + 1])[0]) if place < len(hops) else 0.0,
        }
        for place, (side, (begin, end)) in enumerate(zip(sides, pairwise(ends), strict=True))
    ]
    return {"parts": parts, "value": found.value, "gain": found.gain}


def _vertical(profile: SplitProfile, given: list[LinkedSide]) -> Json:
    graph = profile.model.graph
    if graph is None or profile.link is None:
        raise InvalidSpec("link", "is required: it links the user, who holds the input, to the peers")
    peers = [Peer(profile.user.side("user"), profile.link.hop), *(Peer(one.named, one.link.hop) for one in given)]
    cloud = None if profile.cloud is None else Peer(profile.cloud.named, profile.cloud.link.hop)
    found = best_vertical(graph, peers, cloud)
    names = [peer.side.name for peer in (*peers, *([cloud] if cloud else []))][: len(found.shares)]
    return {
        "shares": [{"peer": name, "share": share} for name, share in zip(names, found.shares, strict=True)],
        "exchanges": list(found.stages),
        "rest": names[found.rest],
        "stageSeconds": list(found.stage_seconds),
        "restSeconds": found.rest_seconds,
        "seconds": found.seconds,
        "gain": found.gain,
    }
