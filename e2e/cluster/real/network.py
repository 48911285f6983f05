"""The network of a cluster with real nodes, all of it in namespaces but for one interface of the machine.

A bridge in a namespace of its own, the hub, joins the nodes and that interface. So no filter of the machine sees the
traffic between nodes, clients of Services have a place with a kube-proxy, and all of it goes with the namespaces.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from ipaddress import ip_network

from cluster.errors import ClusterError
from cluster.parts import SERVICE_NETWORK
from cluster.process import Outcome, run
from cluster.real.addresses import BLOCKS, Addresses
from cluster.real.machine import bits_per_second

_BRIDGE = "bridge"
_LATENCY = "400ms"
_LEAST_BURST = 32_768


def inside(pid: int, *argv: str) -> Outcome:
    """Run a command in the network namespace of this process."""
    return run(["nsenter", "--target", str(pid), "--net", *argv])


def build_hub(pid: int, addresses: Addresses) -> None:
    """Give the hub its bridge and its way to Services."""
    _within(
        pid,
        [
            f"link add {_BRIDGE} type bridge",
            f"link set {_BRIDGE} up",
            f"address add {Addresses.on_link(addresses.hub)} dev {_BRIDGE}",
            f"route add {SERVICE_NETWORK} dev {_BRIDGE}",
            "link set uplink master bridge up",
        ],
    )


def claim_block(pid: int, wanted: int | None) -> Addresses:
    """Join the hub to the machine by the interface of the first free block, or of the one that it had before.

    The kernel gives a name of an interface away once: so two clusters never get one block. ClusterError where none is
    free.
    """
    taken = _routes()
    for block in range(BLOCKS) if wanted is None else (wanted,):
        addresses = Addresses(block)
        if any(ip_network(addresses.whole).overlaps(ip_network(route)) for route in taken):
            continue
        made = run(["ip", "link", "add", addresses.link, "type", "veth", "peer", "uplink", "netns", str(pid)])
        if made.code == 0:
            _here(
                [
                    f"link set {addresses.link} addrgenmode none",
                    f"address add {Addresses.on_link(addresses.machine)} dev {addresses.link}",
                    f"link set {addresses.link} up",
                ]
            )
            return addresses
        if "exists" not in made.errors:
            raise ClusterError(f"the network of the nodes could not be made: {made.errors.strip()}")
    raise ClusterError("no block of 198.18.0.0/15 is free for the nodes: bring another cluster with real nodes down")


def attach(hub: int, node: int, number: int, addresses: Addresses, count: int) -> None:
    """Join a node, counted from 0, to the hub, and make its pods reachable from all others."""
    port, address = _port(number), addresses.node(number)
    run(["nsenter", "--target", str(hub), "--net", "ip", "link", "delete", port])
    _within(hub, [f"link add {port} type veth peer eth0 netns {node}", f"link set {port} master {_BRIDGE} up"])
    _within(
        node,
        [
            f"address add {Addresses.on_link(address)} dev eth0",
            "link set eth0 up",
            f"route add {SERVICE_NETWORK} dev eth0",
            *(f"route add {addresses.pods(n)} via {addresses.node(n)}" for n in range(count) if n != number),
        ],
    )
    way = f"route replace {addresses.pods(number)} via {address}"
    _within(hub, [way])
    _here([way])


def limit_rate(hub: int, node: int, number: int, rate: str | None) -> None:
    """Limit the link of a node, counted from 0, in each direction, by a token bucket; None lifts the limit."""
    for pid, device in ((hub, _port(number)), (node, "eth0")):
        inside(pid, "tc", "qdisc", "delete", "dev", device, "root")
        if rate is not None:
            bucket = ("rate", f"{bits_per_second(rate)}bit", "burst", str(burst(rate)), "latency", _LATENCY)
            _checked(inside(pid, "tc", "qdisc", "add", "dev", device, "root", "tbf", *bucket))


def burst(rate: str) -> int:
    """Bytes that may pass at once: ten milliseconds' worth, as a kernel ticks at a hundred Hertz at least."""
    return max(_LEAST_BURST, bits_per_second(rate) // 800)


def exists(addresses: Addresses) -> bool:
    """Whether the interface of this block is there."""
    return run(["ip", "link", "show", addresses.link]).code == 0


def _port(number: int) -> str:
    return f"node{number}"


def _routes() -> list[str]:
    """What the machine has routes to, but for default ones."""
    listed = json.loads(run(["ip", "-4", "-json", "route", "show", "table", "all"]).output or "[]")
    return [route["dst"] for route in listed if route["dst"] != "default"]


def _within(pid: int, commands: Sequence[str]) -> None:
    _checked(_batch(["nsenter", "--target", str(pid), "--net"], commands))


def _here(commands: Sequence[str]) -> None:
    _checked(_batch([], commands))


def _batch(prefix: Iterable[str], commands: Sequence[str]) -> Outcome:
    return run([*prefix, "ip", "-batch", "-"], stdin="\n".join(commands))


def _checked(outcome: Outcome) -> None:
    if outcome.code != 0:
        raise ClusterError(f"the network of the nodes could not be made: {outcome.errors.strip()}")
