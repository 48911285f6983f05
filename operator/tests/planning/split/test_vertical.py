"""Tiles and their halos, and shares of peers beside brute force."""

from __future__ import annotations

from itertools import combinations_with_replacement, pairwise
from math import inf, isclose

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aif.errors import InvalidSpec
from aif.planning.kpi.inference import Channel, Platform
from aif.planning.models.architecture import Architecture
from aif.planning.models.architectures import resnet18
from aif.planning.models.chain import Hop, Side
from aif.planning.models.graph import ModelGraph
from aif.planning.models.tables import built_in
from aif.planning.split.chain import NoSplit
from aif.planning.split.tiling import needed_rows, resolutions, stages, tileable
from aif.planning.split.vertical import Peer, best_shares, best_vertical


def a_peer(rate: float = 1e12, link: float = 10e9, memory: float = inf) -> Peer:
    return Peer(Side("peer", Platform(rate, 1.0), memory), Hop(Channel(link, 1.0)))


def a_network(rows: int = 8) -> ModelGraph:
    """Return two convolutions, a pooling and a linear layer on an image of one channel."""
    net = Architecture("tiny", (1, rows, rows))
    net.conv("a", 2, 3, 1, 1)
    net.conv("b", 2, 3, 1, 1)
    net.pool("c", 2, 2)
    net.flatten()
    net.linear("d", 10)
    return net.graph()


@pytest.mark.parametrize(
    ("rows", "needed"),
    [
        pytest.param((0, 1), {3: (0, 1), 2: (0, 2), 1: (0, 3), 0: (0, 4)}, id="top"),
        pytest.param((1, 3), {3: (1, 3), 2: (2, 6), 1: (1, 7), 0: (0, 8)}, id="middle"),
        pytest.param((0, 4), {3: (0, 4), 2: (0, 8), 1: (0, 8), 0: (0, 8)}, id="all"),
    ],
)
def test_a_tile_needs_a_halo_that_grows_with_every_convolution(
    rows: tuple[int, int], needed: dict[int, tuple[int, int]]
) -> None:
    assert needed_rows(a_network(), 0, 3, rows) == needed


def test_a_shortcut_needs_the_rows_of_both_its_ways() -> None:
    graph = resnet18(64)
    names = {layer.name: index for index, layer in enumerate(graph.layers)}
    first, last = names["maxpool"], names["layer1_0_relu_out"]
    assert needed_rows(graph, first, last, (5, 6))[first] == (3, 8)


def test_a_tile_of_everything_computes_everything_and_reads_no_halo() -> None:
    (stage,) = stages(a_network(), (3,), 4)
    assert stage.flops[0, 4] == sum(layer.flop for layer in a_network().layers[:4])
    assert stage.halo_bits[0, 4] == 0.0
    assert stage.input_bits[0, 4] == 64 * 32


def test_halves_compute_their_halo_twice() -> None:
    """Each half of 4 of 8 rows computes 5 rows of the first convolution and 4 of the second."""
    graph = a_network()
    (stage,) = stages(graph, (3,), 4)
    first, second = graph.layers[1].flop, graph.layers[2].flop
    assert stage.flops[0, 2] == stage.flops[2, 4] == pytest.approx(first * 5 / 8 + second * 4 / 8)
    assert stage.halo_bits[0, 2] == 2 * 8 * 32
    assert stage.output_bits[0, 2] == 2 * 2 * 4 * 32


def test_fused_layers_exchange_less_and_compute_more() -> None:
    (fused,), apart = stages(a_network(), (3,), 4), stages(a_network(), (1, 2, 3), 4)
    assert fused.flops[1, 2] > sum(stage.flops[1, 2] for stage in apart)
    assert np.count_nonzero(fused.halo_bits[1, 2]) < np.count_nonzero([stage.halo_bits[1, 2] for stage in apart])


def test_what_can_be_tiled_ends_where_a_layer_reads_all_rows() -> None:
    vgg16 = built_in("vgg16")
    assert vgg16.layers[tileable(vgg16)].name == "avgpool"
    ends = [vgg16.layers[cut].name for cut in resolutions(vgg16, tileable(vgg16))]
    assert ends == ["features_3", "features_8", "features_15", "features_22", "features_29", "avgpool"]


@pytest.mark.parametrize(
    ("ends", "grains", "message"),
    [
        pytest.param((2, 1), 2, r"stages\[1\]: must be a legal cut behind the one before", id="out of order"),
        pytest.param((4,), 2, r"stages\[0\]: must be .* c at the latest", id="behind what can be tiled"),
        pytest.param((3,), 5, r"stages\[0\]: has 4 rows, fewer than 5 grains", id="too fine"),
    ],
)
def test_stages_that_cannot_be_are_refused(ends: tuple[int, ...], grains: int, message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        stages(a_network(), ends, grains)


times = st.integers(0, 30).map(float) | st.just(inf)


@st.composite
def tables(draw: st.DrawFn) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    peers, count, grains = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    size = count * (grains + 1) ** 2
    rows = st.lists(times, min_size=size, max_size=size)
    return [np.array(draw(rows)).reshape(count, grains + 1, grains + 1) for _ in range(peers)]


@given(tables())
@settings(max_examples=200, deadline=None)
def test_shares_are_as_good_as_the_best_of_all(given: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]) -> None:
    grains = given[0].shape[1] - 1

    def worth(bounds: tuple[int, ...]) -> float:
        parts = [table[:, a, b] for table, a, b in zip(given, bounds, bounds[1:], strict=False)]
        return float(np.max(parts, axis=0).sum())

    ways = combinations_with_replacement(range(grains + 1), len(given) - 1)
    best = min(worth((0, *cuts, grains)) for cuts in ways)
    found = best_shares(given)
    if found is None:
        assert best == inf
    else:
        assert isclose(worth(found[0]), best)
        assert isclose(float(found[1].sum()), best)


def worth(graph: ModelGraph, peers: list[Peer], ends: tuple[int, ...], bounds: tuple[int, ...], rest: int) -> float:
    """Return the time of shares in quarters from first principles: row by row, stage by stage."""
    total, last = 0.0, ends[-1]

    def rows(layer: int, share: int) -> tuple[int, int]:
        count = graph.layers[layer].rows
        return bounds[share] * count // 4, bounds[share + 1] * count // 4

    def bits(layer: int, count: int) -> float:
        return count * graph.layers[layer].elements / graph.layers[layer].rows * 32

    for begin, end in pairwise((0, *ends)):
        slowest = 0.0
        for share, peer in enumerate(peers):
            needed = needed_rows(graph, begin, end, rows(end, share))
            owned = set(range(*rows(begin, share))) if begin or share == 0 else set[int]()
            missing = len(set(range(*needed[begin])) - owned) if begin or share else 0
            flops = sum(
                (needed[layer][1] - needed[layer][0]) / graph.layers[layer].rows * graph.layers[layer].flop
                for layer in range(begin + 1, end + 1)
            )
            sending = float(peer.hop.seconds(np.array([bits(begin, missing)]))[0])
            slowest = max(slowest, flops / peer.side.rate + sending)
        total += slowest
    sizes = [bits(last, rows(last, share)[1] - rows(last, share)[0]) for share in range(len(peers))]
    sizes[rest] = sum(sizes) - sizes[rest]
    gathering = [float(peer.hop.seconds(np.array([size]))[0]) for peer, size in zip(peers, sizes, strict=True)]
    return total + max(gathering) + sum(layer.flop for layer in graph.layers[last + 1 :]) / peers[rest].side.rate


peers = st.builds(
    lambda rate, link, delay: Peer(Side("peer", Platform(rate, 1.0)), Hop(Channel(link, 1.0), delay)),
    st.integers(1, 20).map(lambda rate: rate * 1e3),
    st.integers(1, 20).map(lambda rate: rate * 1e4),
    st.sampled_from((0.0, 0.01)),
)


@given(st.lists(peers, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_the_plan_of_a_model_is_as_good_as_the_best_of_all_stages_shares_and_gatherers(group: list[Peer]) -> None:
    graph = a_network()
    inner = combinations_with_replacement(range(5), len(group) - 1)
    best = min(
        worth(graph, group, ends, (0, *cuts, 4), rest)
        for cuts in inner
        for ends in ((2, 3), (1, 3), (3,))
        for rest in range(len(group))
    )
    assert best_vertical(graph, group).seconds == pytest.approx(best)


def test_peers_share_by_speed() -> None:
    found = best_vertical(resnet18(512), [a_peer(3e12, 1e12), a_peer(1e12, 1e12)])
    assert found.shares == pytest.approx((0.75, 0.25), abs=0.07)
    assert found.gain is not None
    assert 1.15 < found.gain < 4 / 3


def test_a_slow_link_leaves_everything_with_the_peer_that_holds_the_input() -> None:
    found = best_vertical(built_in("vgg16"), [a_peer(), a_peer(link=1e6)])
    assert found.shares == (1.0, 0.0)
    assert found.gain == pytest.approx(1.0)


def test_the_time_of_one_peer_alone_is_its_work_over_its_rate() -> None:
    graph = built_in("vgg16")
    found = best_vertical(graph, [a_peer(2e12)])
    assert found.seconds == pytest.approx(graph.flop / 2e12)
    assert (found.shares, found.rest) == ((1.0,), 0)
    assert found.gain == pytest.approx(1.0)


def test_more_peers_are_never_slower() -> None:
    graph = built_in("resnet50")
    seconds = [best_vertical(graph, [a_peer(link=40e9)] * count).seconds for count in (1, 2, 3, 4)]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[3] < 0.6 * seconds[0]


def test_a_peer_without_memory_takes_no_rows() -> None:
    found = best_vertical(built_in("resnet50"), [a_peer(), a_peer(memory=1e6), a_peer()])
    assert found.shares[1] == 0.0
    assert found.shares[2] > 0.0


def test_what_the_peers_cannot_hold_goes_to_the_cloud() -> None:
    graph = built_in("vgg16")
    small = [a_peer(memory=100e6), a_peer(memory=100e6)]
    with pytest.raises(NoSplit, match=r"vgg16: the peers cannot hold it together; .* name a cloud"):
        best_vertical(graph, small)
    found = best_vertical(graph, small, a_peer(50e12, 1e9))
    assert found.rest == 2
    assert best_vertical(graph, [a_peer(), a_peer()], a_peer(50e12, 1e9)).rest in {0, 1}


def test_a_model_that_reads_no_rows_is_not_divided() -> None:
    net = Architecture("mlp", (4,))
    net.linear("a", 3)
    with pytest.raises(NoSplit, match="mlp: its first layer does not read row by row"):
        best_vertical(net.graph(), [a_peer()])
