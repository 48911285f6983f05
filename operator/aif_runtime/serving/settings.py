"""How the server runs: environment variables, read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

Number = TypeVar("Number", int, float)


class InvalidSetting(ValueError):
    """A variable has a value that the server cannot run with; the text names both and says what would do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server runs; each field is the variable `AIF_SERVER_` and its name in capitals."""

    host: str = ""
    """Address to listen on; empty for all, of IPv4 and IPv6."""

    port: int = 8080
    """Port to listen on."""

    model: str = ""
    """Path of an ONNX file with one input and one output; empty for the one that comes along."""

    repeat: int = 1
    """How many times a request runs the model: what a request costs in CPU."""

    concurrency: int = 1
    """How many requests are computed at once, each by one thread."""

    queue: int = 256
    """How many more may wait; the others are answered with 503."""

    drain_seconds: float = 5.0
    """How long new requests are still answered after SIGTERM, each with `Connection: close`."""

    grace_seconds: float = 25.0
    """How long after SIGTERM the process ends at the latest; streams that still run are ended a second before."""

    watts_per_core: float = 0.0
    """Power of a busy core, from which energy is estimated; 0 exposes none."""

    flops_per_run: float = 0.0
    """Operations of one run of the model for the counter of operations; 0 takes what the model's own metadata say."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Return the settings that the variables name; InvalidSetting where one is out of its range."""
        given = {field.name: environ.get(variable(field.name), "") for field in fields(cls)}
        read: dict[str, Any] = {name: _READ[name](name, text) for name, text in given.items() if text}
        settings = cls(**read)
        if settings.grace_seconds <= settings.drain_seconds:
            raise InvalidSetting(
                f"{variable('grace_seconds')}={settings.grace_seconds:g} must be more than "
                f"{variable('drain_seconds')}={settings.drain_seconds:g}: raise it, and the pod's grace period above it"
            )
        return settings


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"AIF_SERVER_{name.upper()}"


def _number(kind: Callable[[str], Number], least: float, most: float) -> Callable[[str, str], Number]:
    def read(name: str, text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise InvalidSetting(f"{variable(name)}={text!r} is no number from {least:g} to {most:g}")
        return value

    return read


def _text(_: str, text: str) -> str:
    return text


_READ: Mapping[str, Callable[[str, str], Any]] = {
    "host": _text,
    "port": _number(int, 0, 65535),
    "model": _text,
    "repeat": _number(int, 1, 1_000_000),
    "concurrency": _number(int, 1, 1024),
    "queue": _number(int, 0, 1_000_000),
    "drain_seconds": _number(float, 0, 3600),
    "grace_seconds": _number(float, 0.1, 7200),
    "watts_per_core": _number(float, 0, 1e4),
    "flops_per_run": _number(float, 0, 1e18),
}
