"""Every sample is a valid object, and says nothing that its kind does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from aif.api.base import API_VERSION
from aif.api.kinds import KINDS

SAMPLES = Path(__file__).resolve().parents[3] / "manifests" / "samples"
DOCUMENTS: dict[str, dict[str, Any]] = {
    f"{path.stem}-{number}": document
    for path in sorted(SAMPLES.glob("*.yaml"))
    for number, document in enumerate(yaml.safe_load_all(path.read_text()))
    if document["apiVersion"] == API_VERSION
}
MODELS = {kind.name: kind.model for kind in KINDS}


def test_there_are_samples_of_every_kind() -> None:
    assert {document["kind"] for document in DOCUMENTS.values()} == set(MODELS)


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_sample_is_valid_with_extras_forbidden(document: dict[str, Any]) -> None:
    model = MODELS[document["kind"]]
    parts = {name: document[name] for name in document.keys() - {"apiVersion", "kind"}}
    model.model_validate(parts, extra="forbid")


def test_a_typing_error_in_a_sample_would_be_seen() -> None:
    with pytest.raises(ValidationError, match="nodeSelctor"):
        MODELS["AIService"].model_validate(
            {"metadata": {"name": "x"}, "spec": {"placement": {"nodeSelctor": {}}}}, extra="forbid"
        )
