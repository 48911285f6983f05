"""The few calls that this package makes to an API server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import urllib3
from kubernetes import config
from kubernetes.client import ApiClient, CoreV1Api, VersionApi
from kubernetes.client.exceptions import ApiException
from urllib3 import HTTPResponse

from cluster.errors import ClusterError

# Declared here, as the client library leaves this one function without types.
_new_client: Callable[..., ApiClient] = config.new_client_from_config


def connect(kubeconfig: str | None, context: str | None = None) -> ApiClient:
    """A client after a kubeconfig, as KUBECONFIG takes it; ClusterError where it names no usable cluster."""
    try:
        return _new_client(config_file=kubeconfig, context=context)
    except config.ConfigException as error:
        reason = str(error).rstrip(".")
        raise ClusterError(
            f"kubeconfig {kubeconfig}: {reason}. Check KUBECONFIG, --kubeconfig and --context"
        ) from error


def server_version(client: ApiClient) -> str:
    """The version of the API server, such as v1.36.3; ClusterError where it does not answer."""
    try:
        return VersionApi(client).get_code().git_version
    except (ApiException, urllib3.exceptions.HTTPError) as error:
        host = client.configuration.host
        raise ClusterError(
            f"{host} does not answer ({type(error).__name__}): is the cluster of this context up?"
        ) from error


def readiness(core: CoreV1Api) -> dict[str, bool]:
    """Whether each node of the cluster is Ready, by its name."""
    # As plain JSON: models of a thousand nodes would take the client seconds to build.
    answer = cast("HTTPResponse", core.list_node(resource_version="0", _preload_content=False))
    return {node["metadata"]["name"]: _is_ready(node) for node in json.loads(answer.data)["items"]}


def _is_ready(node: Mapping[str, Any]) -> bool:
    conditions = node["status"].get("conditions", ())
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
