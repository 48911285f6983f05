"""Which cluster is used."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cluster.choose import Asked, asked, choose
from cluster.errors import ClusterError
from cluster.record import Provider


def never_asked() -> bool:
    pytest.fail("Docker was asked although the user had decided")


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param(Asked(kubeconfig="/some/kubeconfig"), id="kubeconfig"),
        pytest.param(Asked(context="prod"), id="context"),
        pytest.param(Asked(provider=Provider.GIVEN), id="provider"),
    ],
)
def test_a_named_cluster_wins(wish: Asked) -> None:
    assert choose(wish, never_asked) is Provider.GIVEN


@pytest.mark.parametrize(
    ("present", "provider"),
    [pytest.param(True, Provider.KIND, id="present"), pytest.param(False, Provider.EMBEDDED, id="absent")],
)
def test_kind_comes_before_the_embedded_cluster_where_it_is_present(provider: Provider, *, present: bool) -> None:
    assert choose(Asked(), lambda: present) is provider


@pytest.mark.parametrize(
    ("environ", "options", "wish"),
    [
        pytest.param({}, (None, None, None), Asked(), id="nothing said"),
        pytest.param({"KUBECONFIG": "a"}, (None, None, None), Asked(kubeconfig="a"), id="environment"),
        pytest.param({"KUBECONFIG": ""}, (None, None, None), Asked(), id="empty environment"),
        pytest.param({"KUBECONFIG": "a"}, ("b", None, None), Asked(kubeconfig="b"), id="option before environment"),
        pytest.param({"KUBECONFIG": "a"}, (None, "c", None), Asked("a", "c"), id="context of the environment"),
        pytest.param(
            {"KUBECONFIG": "a"},
            (None, None, Provider.EMBEDDED),
            Asked(provider=Provider.EMBEDDED),
            id="provider before environment",
        ),
    ],
)
def test_options_come_before_the_environment(
    environ: Mapping[str, str], options: tuple[str | None, str | None, Provider | None], wish: Asked
) -> None:
    assert asked(environ, *options) == wish


def test_starting_a_cluster_and_naming_one_contradict_each_other() -> None:
    with pytest.raises(ClusterError, match="--provider embedded starts a cluster, --kubeconfig and --context name one"):
        asked({}, "a", None, Provider.EMBEDDED)
