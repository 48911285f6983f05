"""Settings out of environment variables."""

from __future__ import annotations

import dataclasses

import pytest

from aif.api.base import Tier
from aif.errors import InvalidSetting
from aif.settings import Settings, variables


def test_an_empty_environment_leaves_all_defaults() -> None:
    assert Settings.from_environ({}) == Settings()


def test_an_empty_variable_counts_as_absent() -> None:
    assert Settings.from_environ({"AIF_WORKERS": " "}).workers == 16


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("AIF_NAMESPACE", "computing", "namespace", "computing"),
        ("HOSTNAME", "aif-operator-7d9f-x2x", "identity", "aif-operator-7d9f-x2x"),
        ("AIF_WATCH_NAMESPACES", "shop, camera,", "watch_namespaces", ("shop", "camera")),
        ("AIF_LEASE_DURATION_SECONDS", "30", "lease_duration_seconds", 30.0),
        ("AIF_LEASE_RETRY_SECONDS", "0.5", "lease_retry_seconds", 0.5),
        ("AIF_HTTP_PORT", "0", "http_port", 0),
        ("AIF_WRITES_PER_SECOND", "12.5", "writes_per_second", 12.5),
        ("AIF_LOG_LEVEL", "DEBUG", "log_level", "debug"),
        ("AIF_RUNTIME_CLASSES", "nvidia,kata", "runtime_classes", ("nvidia", "kata")),
        (
            "AIF_LADDER",
            "RAN;Device,Edge",
            "ladder",
            (frozenset({Tier.RAN}), frozenset({Tier.DEVICE, Tier.EDGE})),
        ),
        (
            "AIF_ACCELERATOR_TOLERATIONS",
            "nvidia.com/gpu=nvidia.com/gpu|example.org/reserved",
            "accelerator_tolerations",
            {"nvidia.com/gpu": ("nvidia.com/gpu", "example.org/reserved")},
        ),
    ],
)
def test_a_variable_sets_its_setting(variable: str, text: str, name: str, value: object) -> None:
    assert getattr(Settings.from_environ({variable: text}), name) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("AIF_WORKERS", "0"),
        ("AIF_WORKERS", "sixteen"),
        ("AIF_WORKERS", "\N{ARABIC-INDIC DIGIT ONE}"),
        ("AIF_WORKERS", "1_000"),
        ("AIF_HTTP_PORT", "65536"),
        ("AIF_WRITES_PER_SECOND", "nan"),
        ("AIF_WRITES_PER_SECOND", "inf"),
        ("AIF_RESYNC_SECONDS", "-1"),
        ("AIF_LOG_LEVEL", "loud"),
        ("AIF_LOG_FORMAT", "xml"),
        ("AIF_LADDER", "RAN;;Edge"),
        ("AIF_LADDER", "Moon"),
        ("AIF_ACCELERATOR_TOLERATIONS", "nvidia.com/gpu"),
        ("AIF_LEASE_RENEW_SECONDS", "15"),
        ("AIF_LEASE_RETRY_SECONDS", "9"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_by_the_name_of_its_variable(variable: str, text: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_environ({variable: text})
    assert caught.value.name == variable
    assert variable in caught.value.message


def test_the_policy_holds_what_decides_on_placement() -> None:
    settings = Settings.from_environ({"AIF_OPERATOR_WEIGHT_PERCENT": "40", "AIF_RUNTIME_CLASSES": "kata"})
    assert settings.policy.operator_weight_percent == 40
    assert settings.policy.runtime_classes == frozenset({"kata"})
    assert settings.policy.ladder == settings.ladder


def test_every_setting_has_a_variable_of_its_own() -> None:
    names = variables()
    assert set(names) == {field.name for field in dataclasses.fields(Settings)}
    assert len(set(names.values())) == len(names)
