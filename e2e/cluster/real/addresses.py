"""The addresses of a cluster with real nodes: a block of its own from 198.18.0.0/15, no two clusters the same.

That range is set aside for benchmarks [RFC 2544] and routed nowhere, so that it hides neither a private network nor
one of Docker, kind or a VPN. A block is a /20: its first /24 holds the nodes, the others the pods of one node each.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

_RANGE = ipaddress.ip_network("198.18.0.0/15")
_BLOCK_PREFIX = 20
_NODE_PREFIX = 24
_FIRST_NODE = 10

BLOCKS = 2 ** (_BLOCK_PREFIX - _RANGE.prefixlen)
"""So many clusters fit on one machine."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of the cluster with this block."""

    block: int

    @property
    def link(self) -> str:
        """The only network interface outside the cluster's own namespaces."""
        return f"aif{self.block}"

    @property
    def whole(self) -> str:
        """All of the block."""
        return str(self._network)

    @property
    def machine(self) -> str:
        """Where the machine, and with it the API server, is reached from the nodes."""
        return self._host(1)

    @property
    def hub(self) -> str:
        """The namespace that joins the nodes; clients of Services run there."""
        return self._host(2)

    def node(self, number: int) -> str:
        """The address of a node, counted from 0."""
        return self._host(_FIRST_NODE + number)

    def pods(self, number: int) -> str:
        """The network of the pods of a node, counted from 0."""
        return f"{self._network[(number + 1) * 256]}/{_NODE_PREFIX}"

    @staticmethod
    def on_link(address: str) -> str:
        """An address of `machine`, `hub` or `node` with the prefix length of their network."""
        return f"{address}/{_NODE_PREFIX}"

    @property
    def _network(self) -> ipaddress.IPv4Network:
        start = int(_RANGE.network_address) + self.block * 2 ** (32 - _BLOCK_PREFIX)
        return ipaddress.IPv4Network((start, _BLOCK_PREFIX))

    def _host(self, number: int) -> str:
        return str(self._network[number])
