"""Reads metric profiles: those that come along, and the administrator's over them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import yaml
from pydantic import ValidationError

from aif.contract.profiles import Profile, ProfileSet
from aif.errors import InvalidSetting

SETTING = "AIF_METRIC_PROFILES"


def load(path: str = "") -> Mapping[str, Profile]:
    """Return all profiles by name: the operator's own, and over them those of the file at ``path`` if one is named.

    Raises:
        InvalidSetting: The file cannot be read, or a profile in it breaks a rule; the message names the field.
    """
    own = resources.files(__package__).joinpath("profiles.yaml").read_text()
    profiles = _parse(own, "profiles.yaml")
    if path:
        try:
            profiles += _parse(Path(path).read_text(encoding="utf-8"), path)
        except OSError as error:
            raise InvalidSetting(SETTING, f"{path} cannot be read: {error.strerror}") from error
    return {profile.name: profile for profile in profiles}


def _parse(text: str, path: str) -> list[Profile]:
    try:
        return ProfileSet.model_validate(yaml.safe_load(text)).profiles
    except yaml.YAMLError as error:
        raise InvalidSetting(SETTING, f"{path} is no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidSetting(SETTING, f"{path}: {field}: {first['msg']}") from error
