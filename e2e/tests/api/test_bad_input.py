"""Bad input and what the API server makes of it; the numbers are those of docs/reference/bad-input.md."""

from __future__ import annotations

from typing import Any

import pytest
from admission import Admission, Refused
from documents import ABSENT, Document, changed, complete

RATE = "spec.load.requestsPerSecond"
MEMORY = "spec.workload.resources.memory"
DEVICE = "spec.capability.devices[0]"
NOT_A_QUANTITY = "must be a quantity such as 500m, 4Gi or 31G"
WRONG_TYPE = "must be of type"

REFUSED = [
    pytest.param("AIService", {RATE: "NaN"}, RATE, NOT_A_QUANTITY, id="B1 not a number"),
    pytest.param("AIService", {RATE: "1_000"}, RATE, NOT_A_QUANTITY, id="B1 underscore"),
    pytest.param("AIService", {RATE: "\u0661"}, RATE, NOT_A_QUANTITY, id="B1 Arabic digit"),
    pytest.param("AIService", {RATE: " 1 "}, RATE, NOT_A_QUANTITY, id="B1 blanks"),
    pytest.param("AIService", {RATE: "1\n"}, RATE, NOT_A_QUANTITY, id="B1 newline"),
    pytest.param("AIService", {RATE: "+1"}, RATE, NOT_A_QUANTITY, id="B1 sign"),
    pytest.param("AIService", {RATE: ""}, RATE, NOT_A_QUANTITY, id="B1 empty"),
    pytest.param("AIService", {RATE: True}, RATE, WRONG_TYPE, id="B1 truth value"),
    pytest.param("ComputeNode", {f"{DEVICE}.memory": "NaN"}, f"{DEVICE}.memory", NOT_A_QUANTITY, id="B1 node"),
    pytest.param("AIService", {RATE: "1e1000000"}, RATE, NOT_A_QUANTITY, id="B2 exponent"),
    pytest.param("AIService", {RATE: "12Ei"}, RATE, NOT_A_QUANTITY, id="B2 above 1Ei"),
    pytest.param("AIService", {RATE: "1Ei"}, RATE, NOT_A_QUANTITY, id="B2 1Ei"),
    pytest.param("AIService", {RATE: 2**60}, RATE, NOT_A_QUANTITY, id="B2 1Ei as an integer"),
    pytest.param("AIService", {RATE: "1" * 33}, RATE, "Too long", id="B2 33 digits"),
    pytest.param("AIService", {RATE: 0}, RATE, "above zero", id="B2 no capacity"),
    pytest.param("AIService", {RATE: -1}, RATE, NOT_A_QUANTITY, id="B3 negative quantity"),
    pytest.param("AIService", {"spec.workload.replicas": -1}, "spec.workload.replicas", "equal to 0", id="B3 replicas"),
    pytest.param("AIService", {"spec.variants[0].count": 0}, "spec.variants[0].count", "equal to 1", id="B3 devices"),
    pytest.param("ComputeNode", {f"{DEVICE}.count": -1}, f"{DEVICE}.count", "equal to 1", id="B3 devices of a node"),
    pytest.param("AIService", {RATE: 1e308}, RATE, WRONG_TYPE, id="B4 1e308 as a quantity"),
    pytest.param("AIService", {RATE: 0.5}, RATE, WRONG_TYPE, id="B4 fraction as a quantity"),
    pytest.param("AIService", {RATE: -0.0}, RATE, "above zero", id="B4 minus zero as a quantity"),
    pytest.param("AIService", {"spec.ue.count": 1e308}, "spec.ue.count", WRONG_TYPE, id="B4 1e308 as an integer"),
    pytest.param("AIService", {"spec.ue.count": 1.5}, "spec.ue.count", WRONG_TYPE, id="B4 fraction as an integer"),
    pytest.param(
        "AIService", {"spec.migration.timeoutSeconds": 0}, "spec.migration.timeoutSeconds", "equal to 10", id="B6 zero"
    ),
    pytest.param(
        "AIService",
        {"spec.migration.drainSeconds": "-5m"},
        "spec.migration.drainSeconds",
        WRONG_TYPE,
        id="B6 duration as text",
    ),
    pytest.param(
        "AIService",
        {"spec.migration.cooldownSeconds": 9_999_999 * 3600},
        "spec.migration.cooldownSeconds",
        "equal to 86400",
        id="B6 a thousand years",
    ),
    pytest.param("AIService", {"metadata.name": "a" * 41}, "metadata.name", "at most 40 characters", id="B7 long name"),
    pytest.param("AIService", {"metadata.name": "a.b"}, "metadata.name", "a letter first", id="B7 dot"),
    pytest.param("AIService", {"metadata.name": "7b"}, "metadata.name", "a letter first", id="B7 digit first"),
    pytest.param(
        "AIService",
        {"spec.metrics.profile": 'x"} or vector(1) #'},
        "spec.metrics.profile",
        "should match",
        id="B9 PromQL in a name",
    ),
    pytest.param(
        "AIService", {"spec.ue.attachedTo": "{{.Name}}"}, "spec.ue.attachedTo", "should match", id="B12 template"
    ),
    pytest.param("AIService", {"spec.model.name": "a\nb"}, "spec.model.name", "should match", id="B12 newline"),
    pytest.param(
        "AIService", {"spec.workload.args": ["\x00"]}, "spec.workload.args[0]", "should match", id="B12 NUL argument"
    ),
    pytest.param(
        "AIService",
        {"spec.workload.image": "${IMAGE}"},
        "spec.workload.image",
        "should match",
        id="B12 variable in an image",
    ),
    pytest.param(
        "AIService",
        {"spec.workload.args": ["a" * 1024 * 10] * 30},
        "spec.workload.args[0]",
        "Too long",
        id="B13 300 KiB",
    ),
    pytest.param(
        "AIService",
        {"spec.workload.env": [{"name": f"X{number}", "value": "x"} for number in range(10_000)]},
        "spec.workload.env",
        "Too many",
        id="B14 10,000 variables",
    ),
    pytest.param(
        "AIService",
        {"spec.placement.nodeSelector": {"k" * 318: "v"}},
        "spec.placement.nodeSelector",
        "at most 317 characters",
        id="B14 long key",
    ),
    pytest.param("AIService", {"spec.model": None}, "spec.model", "Required value", id="B16 null"),
    pytest.param("AIService", {"spec.model": ABSENT}, "spec.model", "Required value", id="B16 missing"),
    pytest.param("AIService", {"spec.model.name": ABSENT}, "spec.model.name", "Required value", id="B16 missing below"),
    pytest.param("AIService", {"spec": ABSENT}, "spec", "Required value", id="B16 no spec"),
    pytest.param("ComputeNode", {"spec.capability": {}}, "spec.capability.devices", "Required", id="B16 empty object"),
    pytest.param(
        "ComputeNode",
        {"spec.capability.devices": []},
        "spec.capability.devices",
        "at least 1 items",
        id="B16 no device",
    ),
    pytest.param("AIService", {"spec.workload.image": ""}, "spec.workload.image", "at least 1", id="B16 empty text"),
]

NO_SUCH_FIELD = [
    pytest.param("AIService", "spec.metrics.query", "sum(rate(x[5m]))", id="B10 PromQL"),
    pytest.param("AIService", "spec.metrics.regex", "(a+)+$", id="B11 expression of a user"),
    pytest.param("AIService", "spec.placement.nodeSelctor", {"zone": "munich"}, id="B15 typing error"),
    pytest.param("ComputeNode", "spec.tiers", ["RAN"], id="B15 unknown field"),
    pytest.param("AIService", "spec.workload.podTemplate", {"spec": {"hostNetwork": True}}, id="B17 pod template"),
    pytest.param("AIService", "spec.workload.volumes[0].hostPath", {"path": "/"}, id="B17 path of the host"),
    pytest.param("AIService", "spec.workload.serviceAccountName", "admin", id="B17 ServiceAccount"),
    pytest.param("AIService", "spec.workload.nodeName", "control-plane", id="B17 Node"),
    pytest.param("AIService", "spec.workload.tolerations", [{"operator": "Exists"}], id="B17 tolerations"),
    pytest.param("AIService", "spec.workload.securityContext", {"privileged": True}, id="B17 security context"),
    pytest.param(
        "AIService", "spec.workload.env[1].secretKey.namespace", "kube-system", id="B18 namespace of a Secret"
    ),
    pytest.param("AIService", "spec.expose.gateway.namespace", "kube-system", id="B18 namespace of a Gateway"),
    pytest.param("AIService", "spec.metrics.url", "http://169.254.169.254/", id="B19 address of Prometheus"),
    pytest.param("AIService", "spec.workload.readinessHost", "169.254.169.254", id="B20 host of a probe"),
]


def _nested(depth: int) -> Document:
    deep: Document = {}
    for _ in range(depth):
        deep = {"deep": deep}
    return deep


@pytest.mark.parametrize(("kind", "changes", "field", "message"), REFUSED)
def test_bad_input_is_refused_by_the_name_of_its_field(
    admission: Admission, kind: str, changes: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(Refused) as refusal:
        admission.create(changed(complete(kind), changes))
    assert refusal.value.names(field, message), refusal.value


@pytest.mark.parametrize(("kind", "field", "value"), NO_SUCH_FIELD)
def test_what_is_not_in_the_kind_is_refused_where_fields_are_checked(
    admission: Admission, kind: str, field: str, value: object
) -> None:
    with pytest.raises(Refused) as refusal:
        admission.create(changed(complete(kind), {field: value}))
    assert refusal.value.names(field, "unknown field"), refusal.value


@pytest.mark.parametrize(("kind", "field", "value"), NO_SUCH_FIELD)
def test_what_is_not_in_the_kind_is_dropped_where_fields_are_not_checked(
    admission: Admission, kind: str, field: str, value: object
) -> None:
    stored = admission.create(changed(complete(kind), {field: value}), strict=False)
    assert stored["spec"] == complete(kind)["spec"]


def test_b14_deep_nesting_is_dropped(admission: Admission) -> None:
    stored = admission.create(changed(complete("AIService"), {"spec.model.deep": _nested(100)}), strict=False)
    assert stored["spec"] == complete("AIService")["spec"]


def test_b16_an_absent_field_gets_its_default_and_null_is_absent(admission: Admission) -> None:
    without = changed(complete("AIService"), {"spec.migration": None, "spec.qos.privacyLevel": None})
    stored = admission.create(without)
    assert stored["spec"]["migration"]["timeoutSeconds"] == 600
    assert stored["spec"]["qos"]["privacyLevel"] == "Low"


def test_b13_the_largest_permitted_text_still_fits(admission: Admission) -> None:
    words = ["\U0001f600" * 512] * 3
    admission.create(changed(complete("AIService"), {"spec.workload.args": words}))
