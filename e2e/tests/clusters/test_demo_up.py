"""The demo in a cluster that is not its own: it comes up twice without effect, and leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo import breach, manifests, story
from demo.down import down
from demo.objects import Objects
from demo.record import Files, load
from demo.up import Standing, up
from rich.console import Console

from cluster.api import Cluster
from cluster.choose import Asked
from cluster.kube import connect
from cluster.paths import Folders
from cluster.progress import Steps
from cluster.record import Provider

API = "net4ai.io/v1alpha1"


class Demo:
    """The demo with files of its own, in the cluster of the tests."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        """Take the cluster as one that somebody named."""
        self.wish = Asked(cluster.kubeconfig, cluster.context, Provider.GIVEN)
        self.folders = Folders(cache=Folders.of(os.environ).cache, state=folder / "state")
        self.files = Files(folder / "demo")
        self.objects = Objects(connect(cluster.kubeconfig, cluster.context))
        self._steps = Steps(Console(quiet=True))

    def up(self) -> Standing:
        """Bring it up."""
        return up(self.wish, manifests.load(), self.folders, self.files, self._steps)

    def down(self) -> bool:
        """Take it down."""
        return down(self.folders, self.files, self._steps)


@pytest.fixture(scope="module")
def demo(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, down again afterwards whatever happened."""
    one = Demo(cluster, tmp_path_factory.mktemp("demo"))
    yield one
    one.down()


@pytest.fixture(scope="module")
def standing(demo: Demo) -> Standing:
    """The demo, up."""
    return demo.up()


def versions(demo: Demo, namespace: str) -> dict[str, str]:
    """The version of each object that the demo applied."""
    found = [*demo.objects.all(API, "AIService", namespace), *demo.objects.all("apps/v1", "Deployment", namespace)]
    return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"] for one in found}


def test_the_services_have_a_namespace_of_their_own(standing: Standing) -> None:
    assert standing.namespace == "aif-demo"


def test_it_ends_with_placements_an_explanation_and_what_to_try_next(standing: Standing) -> None:
    screen = Console(record=True, width=120, quiet=False, file=None, force_terminal=False)
    with screen.capture() as captured:
        story.tell(standing, screen)
    shown = captured.get()
    places = {line.split()[0]: line.split()[2] for line in shown.splitlines() if "Inference " in line}
    assert places["roadside"] != "-"
    assert places["tactile"] == "-"
    assert "latency short by" in shown
    assert "── aif explain roadside ──" in shown
    assert "make demo-down" in shown


def test_a_breach_an_alarm_and_a_move_have_happened_while_it_served(demo: Demo, standing: Standing) -> None:
    if not standing.measured:
        pytest.skip("no Prometheus can be had here, so the demo shows no breach")
    (service,) = [
        one for one in demo.objects.all(API, "AIService", standing.namespace) if one["metadata"]["name"] == breach.MOVED
    ]
    status = service["status"]
    (move,) = status["migrations"]
    assert (move["trigger"], move["result"]) == ("LatencyBreached", "Completed")
    assert [place["node"] for place in status["placements"]] == [move["to"]]
    assert move["from"] != move["to"]
    (figures,) = [each for each in move["figures"] if each["dimension"] == "latency"]
    assert figures["source"] > figures["promised"] >= figures["target"]
    (latency,) = [row for row in status["qos"] if row["dimension"] == "latency"]
    assert (latency["verdict"], latency.get("alarm")) == ("Met", None)


def test_a_second_time_changes_nothing(demo: Demo, standing: Standing) -> None:
    record, before = load(demo.files), versions(demo, standing.namespace)
    assert demo.up() == standing
    assert load(demo.files) == record
    assert versions(demo, standing.namespace) == before


def test_down_leaves_nothing_of_it_and_all_that_was_there(demo: Demo, standing: Standing) -> None:
    record = load(demo.files)
    assert record is not None
    definitions = {
        one["metadata"]["name"] for one in demo.objects.all("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    }
    assert demo.down()
    assert [one for one in record.made if demo.objects.get(one) is not None] == []
    assert demo.objects.all(API, "AIService", standing.namespace) == []
    left = {one["metadata"]["name"] for one in demo.objects.all("apiextensions.k8s.io/v1", "CustomResourceDefinition")}
    assert left == definitions
    assert not demo.down()
