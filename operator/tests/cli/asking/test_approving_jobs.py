"""`aif approve tj/JOB` sets the token of what is proposed for a training job, and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Aif, call
from tests.cli.train.learning import PATH, put
from tests.fake_api import FakeApi

CLIENT = {
    "role": "client",
    "node": "phone-1",
    "nodeName": "w1",
    "tier": "Device",
    "variant": "cpu",
    "pods": 2,
    "score": 70,
}
PLAN = {"reason": "Would place client on phone-1", "token": "t1", "waitsFor": ["Place"], "placements": [CLIENT]}


def asked_of(fake: FakeApi) -> dict[str, str]:
    """Return the annotations of the job."""
    found: dict[str, str] = fake.read(PATH)["metadata"].get("annotations", {})
    return found


@pytest.mark.parametrize("kind", ["tj", "TrainingJobs"])
async def test_what_is_proposed_for_a_job_is_approved_by_its_token(
    aif: Aif, fake: FakeApi, kubeconfig: str, kind: str
) -> None:
    put(fake, plan=PLAN)
    done = await call(aif, "approve", f"{kind}/digits", "-n", "video", "--kubeconfig", kubeconfig)
    assert done.status == 0, done.err
    assert asked_of(fake) == {"net4ai.io/approve": "t1"}
    assert "digits may take phone-1 (Place; net4ai.io/approve=t1)" in done.out


async def test_what_was_approved_is_told_as_a_structure(aif: Aif, fake: FakeApi, kubeconfig: str) -> None:
    put(fake, plan=PLAN)
    words = ("approve", "tj/digits", "--token", "t1", "-n", "video", "--kubeconfig", kubeconfig, "-o", "json")
    told = json.loads((await call(aif, *words)).out)
    assert (told["job"]["name"], told["plan"]["placements"]) == ("digits", [CLIENT])


@pytest.mark.parametrize(
    ("plan", "words", "complaint"),
    [
        pytest.param(None, ("tj/digits",), "digits waits for no approval: `aif train status digits`", id="nothing"),
        pytest.param(PLAN, ("tj/digits", "--token", "t0"), "t0 is not what is proposed for digits, but t1", id="old"),
        pytest.param(PLAN, ("pod/digits",), "pod/digits: give the name of an AIService, or tj/NAME", id="kind"),
        pytest.param(PLAN, ("tj/",), "tj/: give the name of an AIService, or tj/NAME", id="no name"),
    ],
)
async def test_an_approval_that_means_nothing_is_refused(
    aif: Aif, fake: FakeApi, kubeconfig: str, plan: object, words: tuple[str, ...], complaint: str
) -> None:
    put(fake, plan=plan)
    done = await call(aif, "approve", *words, "-n", "video", "--kubeconfig", kubeconfig)
    assert (done.status, asked_of(fake)) == (1, {})
    assert complaint in done.err
