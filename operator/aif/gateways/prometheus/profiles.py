"""Reads metric and resource profiles: those that come along, and the administrator's over them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from aif.contract.profiles import Profile, ProfileSet
from aif.contract.resources import Asked, ResourceProfileSet, asked_of
from aif.errors import InvalidSetting

SETTING = "AIF_METRIC_PROFILES"
RESOURCE_SETTING = "AIF_RESOURCE_PROFILES"

FileModel = TypeVar("FileModel", bound=BaseModel)


def load(path: str = "") -> Mapping[str, Profile]:
    """Return all profiles by name: the operator's own, and over them those of the file at ``path`` if one is named.

    Raises:
        InvalidSetting: The file cannot be read, or a profile in it breaks a rule; the message names the field.
    """
    sets = [_parse(ProfileSet, SETTING, text, name) for text, name in _texts("profiles.yaml", path, SETTING)]
    return {profile.name: profile for each in sets for profile in each.profiles}


def load_resources(path: str = "") -> tuple[Asked, ...]:
    """Return all queries about resources: the operator's own, and over them those of the file at ``path``.

    Raises:
        InvalidSetting: The file cannot be read, a profile in it breaks a rule, or two tell of the same resource.
    """
    texts = _texts("resources.yaml", path, RESOURCE_SETTING)
    sets = [_parse(ResourceProfileSet, RESOURCE_SETTING, text, name) for text, name in texts]
    try:
        return asked_of({each.name: each for one in sets for each in one.resource_profiles}.values())
    except ValueError as error:
        raise InvalidSetting(RESOURCE_SETTING, f"{path}: resourceProfiles: {error}") from error


def _texts(own: str, path: str, setting: str) -> list[tuple[str, str]]:
    """Return the operator's own file, and the administrator's where there is one, each with its name."""
    texts = [(resources.files(__package__).joinpath(own).read_text(), own)]
    if path:
        try:
            texts.append((Path(path).read_text(encoding="utf-8"), path))
        except OSError as error:
            raise InvalidSetting(setting, f"{path} cannot be read: {error.strerror}") from error
    return texts


def _parse(model: type[FileModel], setting: str, text: str, path: str) -> FileModel:
    try:
        return model.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise InvalidSetting(setting, f"{path} is no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidSetting(setting, f"{path}: {field}: {first['msg']}") from error
