"""What the chart makes of its values: settings, refusals, rights, optional objects."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

import pytest
import yaml
from charts import CHART, CRDS_CHART, VALUES, Helm, HelmFailed, container, environment, only, rendered, rights, values
from documents import ROOT

from aif.api.base import Tier
from aif.errors import InvalidSetting
from aif.settings import Settings, variables

FROM_THE_POD: Final = {"namespace", "identity"}
DEFAULTS: Final = Settings(namespace="<metadata.namespace>", identity="<metadata.name>")
CHANGED: Final = replace(
    DEFAULTS,
    watch_namespaces=("team-a", "team-b"),
    kubeconfig="/hub/kubeconfig",
    context="hub",
    lease_name="other",
    lease_duration_seconds=30.5,
    lease_renew_seconds=20,
    lease_retry_seconds=0.5,
    http_port=9090,
    workers=4,
    writes_per_second=12.5,
    write_burst=1_000_000,
    resync_seconds=86_400,
    log_level="debug",
    log_levels_file="/etc/levels/of-loggers",
    log_format="json",
    profile="/profiles",
    record="/recordings",
    record_mebibytes=1_048_576,
    prometheus_url="https://metrics.example.org/tenant",
    evaluation_seconds=7.5,
    metric_profiles="/profiles/mine.yaml",
    resource_profiles="/profiles/resources.yaml",
    ladder=(frozenset({Tier.EDGE}), frozenset({Tier.CORE, Tier.CLOUD})),
    operator_weight_percent=0,
    moves_at_once=10_000,
    runtime_classes=("gvisor", "kata"),
    accelerator_tolerations={"amd.com/gpu": ("amd.com/gpu", "example.org/reserved")},
)
VALUE_FILES: Final = sorted(path.stem for path in VALUES.glob("*.yaml"))


@pytest.mark.parametrize("chart", [CHART, CRDS_CHART], ids=lambda chart: chart.name)
def test_helm_finds_nothing_wrong_with_a_chart(chart: Path) -> None:
    assert "0 chart(s) failed" in Helm()("lint", "--strict", chart)


@pytest.mark.parametrize("name", VALUE_FILES)
def test_helm_finds_nothing_wrong_with_a_chart_and_values(name: str) -> None:
    assert "0 chart(s) failed" in Helm()("lint", "--strict", CHART, *values(name))


def test_the_default_values_are_the_defaults_of_the_operator() -> None:
    assert Settings.from_environ(environment(rendered())) == DEFAULTS


def test_every_setting_can_be_set_by_a_value() -> None:
    assert Settings.from_environ(environment(rendered(*values("settings")))) == CHANGED


def test_the_test_above_changes_every_setting() -> None:
    same = {item.name for item in fields(Settings) if getattr(DEFAULTS, item.name) == getattr(CHANGED, item.name)}
    assert same == FROM_THE_POD


def test_probes_and_service_follow_the_port() -> None:
    documents = rendered("--set", "settings.httpPort=9090")
    assert container(documents)["ports"] == [{"name": "http", "containerPort": 9090}]
    assert container(documents)["livenessProbe"]["httpGet"]["port"] == "http"
    assert only(documents, "Service")["spec"]["ports"] == [{"name": "http", "port": 9090, "targetPort": "http"}]


@pytest.mark.parametrize(
    ("where", "folder", "file"),
    [("/etc/aif-operator/log-levels", "/etc/aif-operator", "log-levels"), ("/etc/levels/mine", "/etc/levels", "mine")],
)
def test_the_log_levels_are_mounted_where_the_operator_looks(where: str, folder: str, file: str) -> None:
    documents = rendered("--set", f"settings.logLevelsFile={where}", "--set", "fullnameOverride=other")
    assert environment(documents)["AIF_LOG_LEVELS_FILE"] == where
    assert container(documents)["volumeMounts"] == [{"name": "log-levels", "mountPath": folder, "readOnly": True}]
    (volume,) = only(documents, "Deployment")["spec"]["template"]["spec"]["volumes"]
    source = {"name": "other-log-levels", "items": [{"key": "log-levels", "path": file}], "optional": True}
    assert volume == {"name": "log-levels", "configMap": source}


_PATHS: Final = ("profile", "record", "metricProfiles", "resourceProfiles", "kubeconfig", "context")
BAD_SETTINGS: Final = [
    ("leaseName", "Not A Name", None),
    ("leaseDurationSeconds", 0.5, "0.5"),
    ("leaseDurationSeconds", 3601, "3601"),
    ("leaseRenewSeconds", 0.4, "0.4"),
    ("leaseRenewSeconds", 3601, "3601"),
    ("leaseRetrySeconds", 0.05, "0.05"),
    ("httpPort", 65536, "65536"),
    ("httpPort", "http", "http"),
    ("workers", 0, "0"),
    ("workers", 1025, "1025"),
    ("workers", 1.5, "1.5"),
    ("writesPerSecond", 0.05, "0.05"),
    ("writesPerSecond", 100_001, "100001"),
    ("writeBurst", 0, "0"),
    ("writeBurst", 1_000_001, "1000001"),
    ("resyncSeconds", 0, "0"),
    ("resyncSeconds", 86_401, "86401"),
    ("logLevel", "loud", "loud"),
    ("logFormat", "xml", "xml"),
    ("logLevelsFile", "levels", None),
    ("recordMebibytes", 0, "0"),
    ("prometheusUrl", "prometheus:9090", "prometheus:9090"),
    ("prometheusUrl", "http://prometheus:9090/?q=1", "http://prometheus:9090/?q=1"),
    ("evaluationSeconds", 3601, "3601"),
    ("ladder", [["Moon"]], "Moon"),
    ("ladder", [[]], ";"),
    ("operatorWeightPercent", 101, "101"),
    ("movesAtOnce", 0, "0"),
    ("runtimeClasses", [1], None),
    ("acceleratorTolerations", {"a=b": ["c"]}, None),
    ("acceleratorTolerations", {"a": []}, "a="),
    *((name, 1, None) for name in _PATHS),
]
"""A setting, a value that breaks its rule, and that value as the operator would be told it (None: any text is fine)."""


@pytest.mark.parametrize(("name", "value", "text"), BAD_SETTINGS)
def test_a_setting_that_the_operator_would_refuse_is_refused_by_the_schema(
    name: str, value: object, text: str | None
) -> None:
    with pytest.raises(HelmFailed, match=f"at '/settings/{name}"):
        rendered("--set-json", f"settings.{name}={json.dumps(value)}")
    if text is not None:
        with pytest.raises(InvalidSetting):
            Settings.from_environ({_variable(name): text})


def test_every_setting_has_a_value_that_the_schema_refuses() -> None:
    assert {_variable(name) for name, *_ in BAD_SETTINGS} == set(variables().values()) - {
        "AIF_NAMESPACE",
        "HOSTNAME",
        "AIF_WATCH_NAMESPACES",
    }


def _variable(name: str) -> str:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert name in schema["properties"]["settings"]["properties"]
    spelled = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return variables()[spelled]


EDGES: Final = {
    "leaseDurationSeconds": (11, 3600),
    "leaseRenewSeconds": (3, 14.9),
    "leaseRetrySeconds": (0.1, 8),
    "httpPort": (1, 65535),
    "workers": (1, 1024),
    "writesPerSecond": (0.1, 100_000),
    "writeBurst": (1, 1_000_000),
    "resyncSeconds": (1, 86_400),
    "recordMebibytes": (1, 1_048_576),
    "evaluationSeconds": (1, 3600),
    "movesAtOnce": (1, 10_000),
    "operatorWeightPercent": (0, 100),
}


@pytest.mark.parametrize("edge", [0, 1], ids=["lowest", "highest"])
def test_the_chart_takes_what_the_operator_takes_up_to_the_edge(edge: int) -> None:
    for name, edges in EDGES.items():
        documents = rendered(
            "--set-json", f"settings.{name}={json.dumps(edges[edge])}", "-s", "templates/deployment.yaml"
        )
        Settings.from_environ(environment(documents))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        pytest.param(["--set", "replicas=two"], "at '/replicas': got string, want integer", id="type"),
        pytest.param(["--set", "replica=2"], "additional properties 'replica' not allowed", id="misspelt"),
        pytest.param(["--set", "settings.loglevel=info"], "additional properties 'loglevel'", id="deep"),
        pytest.param(["--set", "watchNamespaces={Team_A}"], "at '/watchNamespaces/0'", id="namespace"),
        pytest.param(["--set", "watchNamespaces={a,a}"], "items at 0 and 1 are equal", id="twice"),
        pytest.param(["--set", "image.digest=sha256:12"], "at '/image/digest'", id="digest"),
        pytest.param(["--set", "priorityClass.value=2000000000"], "at '/priorityClass/value'", id="system-priority"),
        pytest.param(["--set", "extraEnv[0].name=AIF_WORKERS"], "at '/extraEnv/0/name'", id="setting-as-variable"),
        pytest.param(
            ["--set", "metrics.serviceMonitor.interval=often"], "at '/metrics/serviceMonitor/interval'", id="duration"
        ),
        pytest.param(["--set", "settings.leaseRenewSeconds=15"], "leaseRenewSeconds must lie below", id="renewal"),
        pytest.param(["--set", "settings.leaseRetrySeconds=9"], "leaseRetrySeconds must lie below", id="retry"),
        pytest.param(["--set", "serviceAccount.create=false"], "serviceAccount.name is needed", id="account"),
        pytest.param(
            ["--set", "metrics.serviceMonitor.enabled=true,metrics.service.enabled=false"],
            "metrics.serviceMonitor.enabled needs metrics.service.enabled",
            id="monitor-without-service",
        ),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_by_its_name(options: list[str], complaint: str) -> None:
    with pytest.raises(HelmFailed) as refused:
        rendered(*options)
    assert complaint in str(refused.value)


def test_the_chart_grants_what_the_manifests_grant() -> None:
    manifests = list(yaml.safe_load_all((ROOT / "manifests/base/rbac.yaml").read_text()))
    assert rights(rendered()) == rights(manifests)


def test_with_watched_namespaces_nothing_is_written_into_others() -> None:
    documents = rendered("--set", "watchNamespaces={team-a,team-b}")
    everywhere = only(documents, "ClusterRole")["rules"]
    written = {
        resource
        for rule in everywhere
        for resource in rule["resources"]
        if set(rule["verbs"]) - {"get", "list", "watch"}
    }
    assert written == {"computenodes", "computenodes/status"}
    roles = {
        document["metadata"]["namespace"]: document["rules"] for document in documents if document["kind"] == "Role"
    }
    services = only(rendered(), "ClusterRole", "aif-operator-services")["rules"]
    events = [{"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]}]
    assert roles.pop("aif-system") == only(rendered(), "Role")["rules"]
    assert roles == {"team-a": services, "team-b": services, "default": events}


def test_a_watched_default_namespace_has_one_role() -> None:
    documents = rendered(*values("namespaces"))
    names = [
        (document["kind"], document["metadata"].get("namespace"), document["metadata"]["name"])
        for document in documents
    ]
    assert len(names) == len(set(names))


def test_every_binding_binds_a_role_of_the_chart_to_its_account() -> None:
    documents = rendered("--set", "watchNamespaces={team-a},fullnameOverride=other,serviceAccount.name=account")
    roles = {(d["kind"], d["metadata"].get("namespace"), d["metadata"]["name"]) for d in documents if "rules" in d}
    bindings = [document for document in documents if "roleRef" in document]
    bound = {(b["roleRef"]["kind"], b["metadata"].get("namespace"), b["roleRef"]["name"]) for b in bindings}
    assert bound == roles
    for binding in bindings:
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "account", "namespace": "aif-system"}]
    assert only(documents, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == "account"


def test_the_lease_that_may_be_taken_is_the_one_that_is_used() -> None:
    documents = rendered("--set", "settings.leaseName=mine")
    named = [name for rule in only(documents, "Role")["rules"] for name in rule.get("resourceNames", [])]
    assert named == ["mine"] == [environment(documents)["AIF_LEASE_NAME"]]


def test_two_releases_share_no_lease_and_no_cluster_wide_name() -> None:
    names = [
        {(d["kind"], d["metadata"]["name"]) for d in yaml.safe_load_all(Helm()("template", name, CHART)) if d}
        for name in ("north", "south")
    ]
    assert names[0] & names[1] == set()


def test_a_single_replica_blocks_no_drain() -> None:
    assert not [document for document in rendered("--set", "replicas=1") if document["kind"] == "PodDisruptionBudget"]


def test_what_is_optional_is_left_out_by_default() -> None:
    optional = {"ServiceMonitor", "PrometheusRule", "ConfigMap", "NetworkPolicy", "PriorityClass"}
    assert not optional & {document["kind"] for document in rendered()}
    assert optional <= {document["kind"] for document in rendered(*values("everything"))}


def test_the_manifests_run_the_container_of_the_chart() -> None:
    manifests = list(yaml.safe_load_all((ROOT / "manifests/base/deployment.yaml").read_text()))
    ours, theirs = container(rendered()), container(manifests)
    for key in ("image", "ports", "livenessProbe", "readinessProbe", "resources", "securityContext"):
        assert ours[key] == theirs[key], key
    pods = [only(documents, "Deployment")["spec"]["template"]["spec"] for documents in (rendered(), manifests)]
    assert pods[0]["securityContext"] == pods[1]["securityContext"]


def test_versions_of_charts_and_package_agree() -> None:
    charts = [yaml.safe_load((chart / "Chart.yaml").read_text()) for chart in (CHART, CRDS_CHART)]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {chart[key] for chart in charts for key in ("version", "appVersion")} == {version}
    assert len({chart["kubeVersion"] for chart in charts}) == 1
