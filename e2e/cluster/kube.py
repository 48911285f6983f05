"""The few calls that this package makes to an API server."""

from __future__ import annotations

from collections.abc import Callable

import urllib3
from kubernetes import config
from kubernetes.client import ApiClient, VersionApi
from kubernetes.client.exceptions import ApiException

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
