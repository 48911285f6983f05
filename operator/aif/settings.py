"""Everything an administrator can set, read once from the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self
from urllib.parse import urlsplit

from aif.api.base import Tier
from aif.domain.policy import RAN_FIRST, Policy
from aif.errors import InvalidSetting

PREFIX: Final = "AIF_"


def _integer(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not lowest <= int(text) <= highest:
            raise ValueError(f"{text!r} is not a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _number(lowest: float, highest: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not lowest <= number <= highest:
            raise ValueError(f"{text!r} is not a number from {lowest:g} to {highest:g}")
        return number

    return parse


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(choices)}")
        return text.lower()

    return parse


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{text!r} is no URL such as http://prometheus.monitoring:9090")
    return text.rstrip("/")


def _ladder(text: str) -> tuple[frozenset[Tier], ...]:
    steps = tuple(frozenset(_tier(name) for name in _names(step)) for step in text.split(";"))
    if not all(steps):
        raise ValueError(f"{text!r} has a step without a tier; write steps as in RAN;Edge,Core,Cloud")
    return steps


def _tier(name: str) -> Tier:
    try:
        return Tier(name)
    except ValueError:
        raise ValueError(f"{name!r} is none of {', '.join(Tier)}") from None


def _tolerations(text: str) -> Mapping[str, tuple[str, ...]]:
    pairs = [pair.partition("=") for pair in _names(text)]
    if not all(resource and keys for resource, _, keys in pairs):
        raise ValueError(f"{text!r} is not a list such as nvidia.com/gpu=nvidia.com/gpu|example.org/reserved")
    return {resource: tuple(keys.split("|")) for resource, _, keys in pairs}


def _setting(default: Any, parse: Callable[[str], Any], variable: str = "") -> Any:  # noqa: ANN401 - as dataclasses.field
    metadata = {"parse": parse, "variable": variable}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """The operator's configuration; each setting is read from the variable ``AIF_`` and its name in capitals."""

    namespace: str = _setting("aif-system", str)
    """Namespace of the operator itself, where its Lease lies."""

    identity: str = _setting("aif-operator", str, "HOSTNAME")
    """Name of this replica, the pod's name in a cluster (variable HOSTNAME); a random part is added."""

    watch_namespaces: tuple[str, ...] = _setting((), _names)
    """Namespaces that are served, separated by commas; all when empty."""

    kubeconfig: str = _setting("", str, "KUBECONFIG")
    """Files with clusters and credentials (variable KUBECONFIG); the pod's own account or ~/.kube/config when empty."""

    context: str = _setting("", str)
    """Context within the kubeconfig; its current one when empty."""

    lease_name: str = _setting("aif-operator", str)
    """Name of the Lease by which replicas elect the one that acts."""

    lease_duration_seconds: float = _setting(15.0, _number(1, 3600))
    """How long another replica waits after the last renewal before it takes over."""

    lease_renew_seconds: float = _setting(10.0, _number(0.5, 3600))
    """How long a replica acts on one renewal; must lie below the duration."""

    lease_retry_seconds: float = _setting(2.0, _number(0.1, 600))
    """Time between attempts to take or renew the Lease; 1.2 of them must lie below the renewal."""

    http_port: int = _setting(8080, _integer(0, 65535))
    """Port for /healthz, /readyz and /metrics; 0 takes a free one."""

    workers: int = _setting(16, _integer(1, 1024))
    """Objects that are reconciled at the same time."""

    writes_per_second: float = _setting(500.0, _number(0.1, 100_000))
    """Writes to the API server per second that are sustained."""

    write_burst: int = _setting(1000, _integer(1, 1_000_000))
    """Writes that may exceed that rate for a moment."""

    resync_seconds: float = _setting(600.0, _number(1, 86_400))
    """Time between two rounds in which every object is looked at without cause."""

    log_level: str = _setting("info", _choice("debug", "info", "warning", "error"))
    """Least severe message that is logged: debug, info, warning or error."""

    log_levels_file: str = _setting("/etc/aif-operator/log-levels", str)
    """File with levels of single loggers, followed while it changes; the charts mount a ConfigMap there."""

    log_format: str = _setting("auto", _choice("auto", "json", "text"))
    """json, text, or auto: text on a terminal and json elsewhere."""

    profile: str = _setting("", str)
    """Folder for profiles of the running operator, at the end and at SIGUSR1; none when empty. It costs speed."""

    record: str = _setting("", str)
    """Folder in which every decision is recorded with all that it was made from; none is when empty."""

    record_mebibytes: int = _setting(256, _integer(1, 1_048_576))
    """Size of that folder; the oldest recordings make way."""

    prometheus_url: str = _setting("", _url)
    """Prometheus, or what speaks its query API, as in http://prometheus:9090; nothing is measured when empty."""

    evaluation_seconds: float = _setting(15.0, _number(1, 3600))
    """Time between two looks at all contracts."""

    metric_profiles: str = _setting("", str)
    """File with metric profiles of the administrator, over those that come along; none when empty."""

    resource_profiles: str = _setting("", str)
    """File with resource profiles of the administrator, over those that come along; none when empty."""

    ladder: tuple[frozenset[Tier], ...] = _setting(RAN_FIRST, _ladder)
    """Tiers in the order of trying, steps separated by semicolons, as in RAN;Edge,Core,Cloud."""

    operator_weight_percent: int = _setting(30, _integer(0, 100))
    """Share of stability, packing, balance, cost and carbon in the score of a service that has a contract."""

    moves_at_once: int = _setting(10, _integer(1, 10_000))
    """Services that may move at the same time; what is lost is replaced all the same."""

    runtime_classes: tuple[str, ...] = _setting((), _names)
    """RuntimeClasses that a workload may name, separated by commas."""

    accelerator_tolerations: Mapping[str, tuple[str, ...]] = _setting(
        dict(Policy().accelerator_tolerations), _tolerations
    )
    """Taints that pods with an accelerator tolerate, as in nvidia.com/gpu=nvidia.com/gpu|example.org/reserved."""

    def __post_init__(self) -> None:
        if not self.lease_renew_seconds < self.lease_duration_seconds:
            raise InvalidSetting("AIF_LEASE_RENEW_SECONDS", "must lie below AIF_LEASE_DURATION_SECONDS")
        if not self.lease_retry_seconds * 1.2 < self.lease_renew_seconds:
            raise InvalidSetting("AIF_LEASE_RETRY_SECONDS", "1.2 times it must lie below AIF_LEASE_RENEW_SECONDS")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Return the settings that ``environ`` holds; an absent or empty variable leaves the default.

        Raises:
            InvalidSetting: A variable breaks a rule; the error names it.
        """
        given: dict[str, Any] = {
            name: _read(name, variable, text)
            for name, variable in variables().items()
            if (text := environ.get(variable, "").strip())
        }
        return cls(**given)

    @property
    def policy(self) -> Policy:
        """The part of the settings that decides on placement."""
        return Policy(
            ladder=self.ladder,
            operator_weight_percent=self.operator_weight_percent,
            runtime_classes=frozenset(self.runtime_classes),
            moves_at_once=self.moves_at_once,
            accelerator_tolerations=dict(self.accelerator_tolerations),
        )


def variables() -> dict[str, str]:
    """Return the environment variable of each setting, by the setting's name."""
    return {item.name: item.metadata["variable"] or PREFIX + item.name.upper() for item in fields(Settings)}


def _read(name: str, variable: str, text: str) -> object:
    parse: Callable[[str], object] = next(item.metadata["parse"] for item in fields(Settings) if item.name == name)
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidSetting(variable, str(error)) from error
