"""Which cluster to use: the one that the user names, else kind, else the embedded one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cluster.errors import ClusterError
from cluster.record import Provider


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for. `provider` alone starts a cluster even where KUBECONFIG names another."""

    kubeconfig: str | None = None
    context: str | None = None
    provider: Provider | None = None

    @property
    def names_a_cluster(self) -> bool:
        """Whether the user named a cluster that is there already."""
        return self.kubeconfig is not None or self.context is not None


def asked(environ: Mapping[str, str], kubeconfig: str | None, context: str | None, provider: Provider | None) -> Asked:
    """The wish that options and environment express; ClusterError where two options contradict each other."""
    named = Asked(kubeconfig, context, provider)
    if provider not in {None, Provider.GIVEN} and named.names_a_cluster:
        raise ClusterError(f"--provider {provider} starts a cluster, --kubeconfig and --context name one: give either")
    if provider not in {None, Provider.GIVEN} or kubeconfig is not None:
        return named
    return Asked(environ.get("KUBECONFIG") or None, context, provider)


def choose(wish: Asked, kind_is_present: Callable[[], bool]) -> Provider:
    """Where the cluster comes from. Docker is asked only where the user left the choice open."""
    if wish.provider is not None:
        return wish.provider
    if wish.names_a_cluster:
        return Provider.GIVEN
    return Provider.KIND if kind_is_present() else Provider.EMBEDDED
