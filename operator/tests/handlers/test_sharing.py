"""Two services come to one node: the second is made with its share, and the first is told of its own and left alone."""

from __future__ import annotations

from typing import Any

from aif.domain.actions import Apply
from tests import virtual_time
from tests.builders import an_aiservice
from tests.handlers.batches import a_world, service_of
from tests.handlers.scenes import Inside, a_key
from tests.reconcile.test_sharing import QUICK

INGRESS = "kubernetes.io/ingress-bandwidth"


def templates(inside: Inside, name: str) -> list[dict[str, Any]]:
    """Return the template of each Deployment that was applied for a service, in order."""
    bodies = [action.body for action in inside.applier.done if isinstance(action, Apply)]
    mine = [body for body in bodies if body["kind"] == "Deployment" and body["metadata"]["name"].startswith(f"{name}-")]
    return [body["spec"]["template"] for body in mine]


def test_who_comes_second_is_bound_and_who_is_there_is_told() -> None:
    async def scene() -> None:
        inside = a_world()
        inside.see(an_aiservice("first", **QUICK))
        await inside.work_for(1)
        inside.see(an_aiservice("second", **QUICK))
        await inside.work_for(1)
        inside.work.add(a_key("first"))
        await inside.work_for(1)

        (first,), (second,) = templates(inside, "first"), templates(inside, "second")
        assert "annotations" not in first["metadata"], "it had the node to itself, and is not made anew"
        assert INGRESS in second["metadata"]["annotations"]
        plans = [service_of(inside, name).status.plan for name in ("first", "second")]
        shares = [plan.share for plan in plans if plan is not None and plan.share is not None]
        assert [share.services for share in shares] == [2, 2]
        assert shares[0] == shares[1], "they are two of a kind"
        written = len(inside.applier.done)
        inside.work.add(a_key("first"))
        await inside.work_for(1)
        assert len(inside.applier.done) == written, "nothing is written where nothing moved"

    virtual_time.run(scene())
