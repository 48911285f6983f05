"""Where the API server is, who asks, and how credentials are renewed."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from aif.errors import InvalidSetting, Unavailable
from aif.gateways.exposition import Exposition
from aif.gateways.kubernetes import credentials
from aif.gateways.kubernetes.client import Api
from aif.gateways.kubernetes.connection import CONNECTIONS, Connection, connect, find_credentials
from aif.gateways.kubernetes.credentials import KubeconfigUser, PodAccount
from aif.settings import Settings
from tests.fake_api import FakeApi

PLUGIN = """
import json, pathlib
count = pathlib.Path(__file__).with_suffix(".count")
number = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(number))
status = {"token": f"token-{number}", "expirationTimestamp": EXPIRY}
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
"""


@pytest.fixture
async def fake() -> AsyncIterator[FakeApi]:
    """An empty API server."""
    async with FakeApi() as served:
        yield served


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the machine's own clusters."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)


def a_kubeconfig(path: Path, server: str, **user: Any) -> Settings:
    """Write a kubeconfig for ``server`` and return settings that name it."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "main",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [
            {"name": "main", "context": {"cluster": "c", "user": "u"}},
            {"name": "anonymous", "context": {"cluster": "c"}},
        ],
    }
    file = path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return Settings(kubeconfig=str(file))


def a_plugin(path: Path, lifetime: timedelta) -> dict[str, Any]:
    """Return a kubeconfig user whose tokens come from a plug-in, each new, each good for ``lifetime``."""
    expiry = (datetime(2030, 1, 1, 12, tzinfo=UTC) + lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
    script = path / "plugin.py"
    script.write_text(PLUGIN.replace("EXPIRY", json.dumps(expiry)))
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(script)],
            "interactiveMode": "Never",
        }
    }


async def ask(connection: Connection) -> None:
    """Send one request over a session of its own."""
    async with connection.session() as session:
        await Api(session, connection.server, Exposition()).request("GET", "/api/v1/nodes")


async def test_the_kubeconfigs_token_is_sent(fake: FakeApi, tmp_path: Path) -> None:
    connection = await connect(a_kubeconfig(tmp_path, fake.url, token="abc"))
    await ask(connection)
    assert [sent.authorization for sent in fake.requests] == ["Bearer abc"]
    await connection.close()


async def test_another_context_may_be_named(fake: FakeApi, tmp_path: Path) -> None:
    settings = a_kubeconfig(tmp_path, fake.url, token="abc")
    connection = await connect(Settings(kubeconfig=settings.kubeconfig, context="anonymous"))
    await ask(connection)
    assert [sent.authorization for sent in fake.requests] == [""]
    await connection.close()


async def test_a_session_that_is_closed_leaves_the_connections_to_others(fake: FakeApi, tmp_path: Path) -> None:
    connection = await connect(a_kubeconfig(tmp_path, fake.url))
    for _ in range(3):
        await ask(connection)
    first, second, lease = connection.session(), connection.session(), connection.lease_session()
    assert first.connector is second.connector is not lease.connector
    assert first.connector is not None
    assert first.connector.limit == CONNECTIONS
    for session in (first, second, lease):
        await session.close()
    await connection.close()


async def test_a_rotated_token_is_read_again_when_the_old_one_is_refused(
    fake: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_PAUSE_SECONDS", 0.0)
    token = tmp_path / "token"
    token.write_text("old")
    connection = await connect(a_kubeconfig(tmp_path, fake.url, tokenFile=str(token)))
    fake.tokens = {"Bearer old"}
    await ask(connection)
    fake.tokens = {"Bearer new"}
    token.write_text("new")
    await ask(connection)
    assert [sent.authorization for sent in fake.requests] == ["Bearer old", "Bearer old", "Bearer new"]
    await connection.close()


async def test_credentials_that_stay_refused_are_asked_for_once_and_told(fake: FakeApi, tmp_path: Path) -> None:
    connection = await connect(a_kubeconfig(tmp_path, fake.url, token="abc"))
    fake.tokens = {"Bearer another"}
    with pytest.raises(Unavailable, match="credentials were refused"):
        await ask(connection)
    assert len(fake.requests) == 1
    await connection.close()


async def test_a_plug_in_runs_again_only_when_its_token_expires(fake: FakeApi, tmp_path: Path) -> None:
    user = KubeconfigUser(a_kubeconfig(tmp_path, fake.url, **a_plugin(tmp_path, timedelta(days=36500))).kubeconfig, "")
    await user.load()
    assert [await user.header() for _ in range(3)] == ["Bearer token-1"] * 3


async def test_an_expired_token_is_renewed_by_the_plug_in(
    fake: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_PAUSE_SECONDS", 0.0)
    user = KubeconfigUser(a_kubeconfig(tmp_path, fake.url, **a_plugin(tmp_path, timedelta(days=-36500))).kubeconfig, "")
    await user.load()
    assert await user.header() == "Bearer token-2"


async def test_credentials_are_not_reloaded_by_each_of_many_requests(fake: FakeApi, tmp_path: Path) -> None:
    user = KubeconfigUser(a_kubeconfig(tmp_path, fake.url, **a_plugin(tmp_path, timedelta(days=-36500))).kubeconfig, "")
    await user.load()
    assert {await user.header() for _ in range(5)} == {"Bearer token-1"}


async def test_a_pods_token_is_read_anew_when_the_kubelet_rotates_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("old")
    authority.write_text("an authority")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr("kubernetes.aio.config.incluster_config.SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr("kubernetes.aio.config.incluster_config.SERVICE_CERT_FILENAME", str(authority))
    account = await find_credentials(Settings())
    assert isinstance(account, PodAccount)
    assert account.configuration.host == "https://10.96.0.1:443"
    assert (await account.header() or "").lower() == "bearer old"
    token.write_text("new")
    assert await account.refused()
    assert (await account.header() or "").lower() == "bearer new"
    assert not await account.refused()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("absent", None, id="no such file"),
        pytest.param("empty", "", id="an empty file"),
        pytest.param("text", "clusters: none", id="no clusters"),
        pytest.param("yaml", "{", id="no YAML"),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used_is_told_by_its_variable(
    tmp_path: Path, name: str, content: str | None
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InvalidSetting) as caught:
        await connect(Settings(kubeconfig=str(tmp_path / name)))
    assert caught.value.name == "KUBECONFIG"


async def test_without_any_cluster_the_error_says_what_to_set() -> None:
    with pytest.raises(InvalidSetting, match="KUBECONFIG"):
        await connect(Settings())
