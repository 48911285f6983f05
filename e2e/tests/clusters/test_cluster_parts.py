"""The command lines, files and certificates of an embedded cluster's parts."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from cluster import kubeconfig, parts, pki
from cluster.build import Binaries
from cluster.parts import Options, Part
from cluster.paths import AUDIT_POLICY, KIND_CONFIG, STAGES, Layout

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok")


def the_parts(options: Options | None = None) -> dict[str, Part]:
    binaries = Binaries({program: Path("/bin") / program for program in PROGRAMS})
    ports = {name: 20000 + number for number, name in enumerate(parts.PORTS)}
    plane = parts.control_plane(binaries, Layout(Path("/state/aif")), ports, options or Options())
    return {part.name: part for part in plane}


def test_parts_start_in_the_order_of_their_dependence() -> None:
    assert list(the_parts()) == ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"]
    assert [part.gate for part in the_parts().values()] == [True, True, False, False, False]


def test_nothing_listens_beyond_this_machine() -> None:
    for part in the_parts().values():
        addresses = [word for word in part.argv if re.search(r"://|address", word)]
        assert addresses == [word for word in addresses if "127.0.0.1" in word or "kubernetes.default.svc" in word]
    assert all("--bind-address=127.0.0.1" in the_parts()[name].argv for name in PROGRAMS[1:4])


def test_the_api_server_authorises_and_audits() -> None:
    argv = the_parts()["kube-apiserver"].argv
    assert "--authorization-mode=Node,RBAC" in argv
    assert "--enable-admission-plugins=NodeRestriction" in argv
    assert "--audit-log-path=/state/aif/logs/audit.jsonl" in argv


def test_a_shorter_grace_makes_heartbeats_and_their_check_more_frequent() -> None:
    quick = the_parts(Options(node_grace_s=8, eviction_s=3))
    assert "--node-monitor-grace-period=8s" in quick["kube-controller-manager"].argv
    assert "--node-monitor-period=1s" in quick["kube-controller-manager"].argv
    assert "--node-lease-duration-seconds=8" in quick["kwok"].argv
    assert "--default-unreachable-toleration-seconds=3" in quick["kube-apiserver"].argv


def test_only_annotated_nodes_are_simulated() -> None:
    argv = the_parts()["kwok"].argv
    assert "--manage-all-nodes=false" in argv
    assert "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake" in argv


def test_every_stage_is_a_kwok_stage_named_as_its_file() -> None:
    for file in STAGES.glob("*.yaml"):
        stage = yaml.safe_load(file.read_text())
        assert (stage["kind"], stage["metadata"]["name"]) == ("Stage", file.stem)


def test_the_audit_log_carries_the_bodies_of_writes_to_the_projects_kinds() -> None:
    rules = yaml.safe_load(AUDIT_POLICY.read_text())["rules"]
    bodies = next(rule for rule in rules if rule["level"] == "Request")
    assert {"group": "net4ai.io"} in bodies["resources"]
    assert {"group": "apps"} in bodies["resources"]
    assert rules[-1] == {"level": "Metadata"}


def test_the_kind_configuration_is_one() -> None:
    assert yaml.safe_load(KIND_CONFIG.read_text())["kind"] == "Cluster"


def test_a_certificate_names_user_and_groups_and_is_signed_by_the_authority(tmp_path: Path) -> None:
    authority = pki.create_authority(tmp_path)
    pair = authority.issue(pki.Identity("kwok", groups=("system:masters",)), "kwok")
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    certificate.verify_directly_issued_by(authority.certificate)
    names = {attribute.oid: attribute.value for attribute in certificate.subject}
    assert names == {NameOID.ORGANIZATION_NAME: "system:masters", NameOID.COMMON_NAME: "kwok"}


def test_a_server_certificate_answers_to_its_names_and_addresses(tmp_path: Path) -> None:
    pair = pki.create_authority(tmp_path).issue(parts.SERVER, "server")
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)
    assert "127.0.0.1" in {str(address) for address in names.get_values_for_type(x509.IPAddress)}


@pytest.mark.parametrize("file", ["ca.key", "admin.key", "sa.key", "kubeconfig.yaml"])
def test_secrets_are_readable_by_their_owner_only(tmp_path: Path, file: str) -> None:
    authority = pki.create_authority(tmp_path)
    pki.create_signing_key(tmp_path)
    client = authority.issue(parts.USERS["admin"], "admin")
    kubeconfig.write(
        tmp_path / "kubeconfig.yaml", cluster="aif", server="https://x", authority=authority.file, client=client
    )
    assert stat.S_IMODE((tmp_path / file).stat().st_mode) == 0o600
