"""A TrainingJob is checked before it is applied, as an API server would, and placed as the operator would."""

from __future__ import annotations

import pytest

from tests.cli.conftest import SAMPLES, Aif
from tests.cli.train.learning import SAMPLE


def test_a_manifest_at_fault_is_named_by_its_field(aif: Aif) -> None:
    text = SAMPLE.read_text(encoding="utf-8").replace("minClients: 2", "minClients: 5")
    done = aif("simulate", "-f", "-", stdin=text)
    assert done.status == 1
    assert "(TrainingJob digits): spec: quorum.minClients must not exceed clients" in done.err


def test_without_nodes_a_job_is_checked_and_finds_no_place(aif: Aif) -> None:
    done = aif("simulate", "-f", str(SAMPLE))
    assert (done.status, done.err) == (0, "")
    assert "There is no ComputeNode to choose from" in done.out


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("trainingjob-*.yaml")), ids=lambda path: path.stem)
def test_every_sample_of_a_mode_is_accepted(aif: Aif, path: object) -> None:
    done = aif("simulate", "-f", str(path))
    assert (done.status, done.err) == (0, "")
