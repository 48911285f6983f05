"""Partial and Manual: a move waits for a person who may edit the service, and not its status."""

from __future__ import annotations

import pytest
from contract_moves import BAD, Moves
from kubectl import Kubectl, KubectlFailed
from rest import stays
from sampling import sampled

TENANT = "tenant"


@pytest.fixture
def tenant(moves: Moves, kubectl: Kubectl) -> str:
    """A user of the namespace who may edit AIServices there, and nothing else."""
    namespace = moves.services.namespace
    kubectl("create", "role", TENANT, "--verb=get,patch", "--resource=aiservices.net4ai.io", "-n", namespace)
    kubectl("create", "rolebinding", TENANT, f"--role={TENANT}", f"--user={TENANT}", "-n", namespace)
    return f"--as={TENANT}"


@pytest.mark.parametrize(
    "autonomy",
    [
        pytest.param({"level": "Manual"}, id="manual"),
        pytest.param({"level": "Partial", "approvalSteps": ["Migrate"]}, id="partial"),
    ],
)
def test_a_move_waits_for_a_tenant_who_may_not_write_the_status(
    moves: Moves, kubectl: Kubectl, tenant: str, autonomy: dict[str, object]
) -> None:
    moves.start()
    services = moves.services
    if autonomy["level"] == "Manual":
        services.apply(moves.pool.plain("plates", autonomy=autonomy))
        services.await_condition("plates", "ApprovalRequired", "True")
        approve(moves, kubectl, tenant)
        services.await_ready("plates")
    source = moves.serve(autonomy=autonomy)
    with sampled(services, "plates"):
        moves.turn(source, BAD)
        services.await_condition("plates", "ThresholdAlarm", "True", within_s=60)
        told = services.await_condition("plates", "ApprovalRequired", "True", within_s=60)
        assert services.condition("plates", "Ready")["status"] == "True", "what serves serves on"
        assert f"Would move to {moves.other(source)}" in told["message"]
        stays(lambda: len(services.copies("plates")) == 1, "nothing moves unasked", 5)
        with pytest.raises(KubectlFailed, match="forbidden"):
            kubectl(
                "patch",
                "ais/plates",
                "--subresource=status",
                "--type=merge",
                "-p",
                "{}",
                "-n",
                services.namespace,
                tenant,
            )
        approve(moves, kubectl, tenant)
        record = moves.await_record()
    assert (record["trigger"], record["result"]) == ("LatencyBreached", "Completed")
    assert services.node_of("plates") == moves.other(source)


def approve(moves: Moves, kubectl: Kubectl, tenant: str) -> None:
    """Approve what is proposed, as the tenant."""
    token = moves.services.get("plates")["status"]["plan"]["token"]
    namespace = moves.services.namespace
    kubectl("annotate", "--overwrite", "ais/plates", f"net4ai.io/approve={token}", "-n", namespace, tenant)
