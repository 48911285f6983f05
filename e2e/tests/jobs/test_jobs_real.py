"""Training on real nodes, as users write it: pods of the learner's image, certificates, and a model on a claim.

All jobs begin at once and are looked at one by one, as most of the time goes into the start of their pods.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

import numpy as np
import pytest
import yaml
from command_line import aif
from documents import ROOT
from learning_place import NAMESPACE, PATIENCE_S, Place, a_spec
from rest import Json, eventually
from safetensors.numpy import load_file
from services import Services
from training_jobs import a_training_job

from aif_runtime.learning.compression import restored, unpacked
from aif_runtime.learning.data import Split, digits
from aif_runtime.learning.models import built
from cluster.real import python_image

pytestmark = pytest.mark.slow

SAMPLE: Final = ROOT / "manifests" / "samples" / "train-compress-serve.yaml"
ENDLESS: Final = 100_000
"""So many rounds that a job still learns when it is looked at, be the machine as busy as it may."""

GROUPS: Final = {"a": "relu1", "b": "fc2"}
"""Cuts of two groups with two terminals each, of whom no fewer than two are ever served."""

ASK: Final = """
import sys, urllib.request
with urllib.request.urlopen(urllib.request.Request(sys.argv[1], sys.stdin.buffer.read()), timeout=30) as answer:
    sys.stdout.write(answer.read().decode())
"""


@pytest.fixture(scope="module")
def begun(place: Place) -> Place:
    """Jobs that begin at once, and a service that waits for what one of them leaves."""
    _load_the_server(place)
    _apply_the_sample(place)
    place.jobs.apply(_federated(ENDLESS))
    groups = [{"name": name, "clients": 2, "cut": cut} for name, cut in GROUPS.items()]
    rounds = {"max": 4, "localEpochs": 5, "timeoutSeconds": 240}
    place.jobs.apply(a_training_job("two-level", "TwoLevel", **a_spec(groups=groups, rounds=rounds)))
    return place


def _federated(rounds: int) -> Json:
    return a_training_job("digits", **a_spec(rounds={"max": rounds, "localEpochs": 5, "timeoutSeconds": 240}))


def _apply_the_sample(place: Place) -> None:
    """Apply all of the sample at once, with images that are here and with less memory."""
    here = {"aif-learner": python_image.LEARNER_IMAGE, "aif-runtime": python_image.RUNTIME_IMAGE}
    documents = list(yaml.safe_load_all(SAMPLE.read_text(encoding="utf-8")))
    for document in documents:
        workload = document["spec"]["workload"]
        workload["image"] = next(image for part, image in here.items() if part in workload["image"])
        workload["resources"] = {"cpu": "50m", "memory": "256Mi"}
    place.kubectl("apply", "--namespace", NAMESPACE, "-f", "-", stdin=yaml.safe_dump_all(documents))


def test_a_job_tells_how_far_it_is_and_goes_on_where_it_is_changed_by_making_it_anew(begun: Place) -> None:
    def learning() -> Json:
        told = begun.jobs.get("digits").get("status", {})
        assert told.get("progress", {}).get("round", 0) > 0, told
        return dict(told["progress"])

    told = eventually(learning, "the status tells a round while others are to come", PATIENCE_S)
    assert (told["phase"], told["live"], told["rounds"]) == ("Training", 3, ENDLESS)
    assert told["accuracyBasisPoints"] > 1000
    words = ("train", "status", "digits", "--namespace", NAMESPACE, "--live", "--output", "json")
    done = aif(*words, environment={"KUBECONFIG": str(begun.cluster.kubeconfig)})
    assert done.returncode == 0, done.stderr
    live = json.loads(done.stdout)
    assert live["source"] == "pod", live["notes"]
    assert live["round"] >= told["round"]
    begun.kubectl("delete", "trainingjob", "digits", "--namespace", NAMESPACE)
    eventually(lambda: not begun.jobs.pods("digits"), "its pods are gone", PATIENCE_S)
    begun.jobs.apply(_federated(live["round"] + 1))
    begun.jobs.await_condition("digits", "Placed", "True")
    ended = begun.await_complete("digits")
    note = begun.note("digits")
    assert note["digest"] == ended["result"]["digest"]
    assert note["rounds"] == ended["progress"]["round"] > live["round"], "no finished round was lost"
    assert ended["progress"]["history"][-1]["round"] == note["rounds"], "rounds are told after the end too"
    assert ended["result"]["accuracyBasisPoints"] >= 9000


def test_two_groups_with_cuts_of_their_own_learn_one_model(begun: Place) -> None:
    told = begun.await_complete("two-level")
    assert told["result"]["accuracyBasisPoints"] >= 9000
    rows = {role["name"]: role for role in told["roles"]}
    assert {name: (rows[f"local-{name}"]["cut"], rows[f"local-{name}"]["clients"]) for name in GROUPS} == {
        name: (cut, 2) for name, cut in GROUPS.items()
    }
    assert (rows["client"]["pods"], rows["client"]["failed"]) == (4, 0)
    note = begun.note("two-level")
    assert (note["digest"], note["rounds"]) == (told["result"]["digest"], 4)
    assert note["metrics"]["clients"] == len(GROUPS)


def test_a_model_that_a_job_left_is_compressed_and_served(begun: Place) -> None:
    told = begun.await_complete("digits-packed")
    assert all((begun.folder / path).is_file() for path in told["result"]["files"])
    services = Services(begun.rest, NAMESPACE)
    services.await_ready("digits", within_s=PATIENCE_S)
    path = services.get("digits")["spec"]["workload"]["env"][0]["value"].removeprefix("/models/")
    assert path in told["result"]["files"]
    asked = digits(Split()).test()
    model = built("mlp-3", (), digits(Split()).task, 0)
    model.load(restored(unpacked(load_file((begun.folder / path).with_suffix(".safetensors")))))
    request = {"input": asked.x[:50].tolist()}
    answer = eventually(lambda: _ask(begun, "digits", request), "the service answers", PATIENCE_S)
    np.testing.assert_allclose(answer["output"], model.predict(asked.x[:50]), rtol=1e-3, atol=1e-4)
    assert float(np.mean(np.argmax(answer["output"], axis=1) == asked.y[:50])) >= 0.9
    (pod,) = services.children("pods", "digits")
    (mount,) = (each for each in pod["spec"]["containers"][0]["volumeMounts"] if each["name"] == "models")
    assert mount["readOnly"] is True, "a server cannot change what it serves"


def _load_the_server(place: Place) -> None:
    image = place.folder.parent / "runtime.tar"
    python_image.write_runtime(image)
    place.real.load(image)


def _ask(place: Place, name: str, request: dict[str, Any]) -> Json:
    """Send a request to a service from where its clients are."""
    found = place.rest.get("services", name, NAMESPACE)
    assert found is not None
    url = f"http://{found['spec']['clusterIP']}:{found['spec']['ports'][0]['port']}/v1/infer"
    line = place.real.command([sys.executable, "-c", ASK, url])
    done = subprocess.run(line, input=json.dumps(request), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
