"""Certificates of a training job: one authority, one key for each role, names that the runtime checks."""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.x509.oid import NameOID

from aif.gateways.certificates import secret_data
from tests.builders import NOON

NAMES = {"aggregator": ("digits-aggregator",), "client": ("digits-client",)}


def a_certificate(data: dict[str, str], name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(base64.b64decode(data[name]))


def test_every_role_has_a_certificate_and_a_key_and_the_authority_has_no_key() -> None:
    data = secret_data(NAMES, NOON)
    assert sorted(data) == ["aggregator.crt", "aggregator.key", "ca.crt", "client.crt", "client.key"]


def test_a_certificate_bears_the_role_and_the_name_that_is_dialled_and_is_signed_by_the_authority() -> None:
    data = secret_data(NAMES, NOON)
    own = a_certificate(data, "aggregator.crt")
    (common,) = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert common.value == "aggregator"
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["digits-aggregator"]
    own.verify_directly_issued_by(a_certificate(data, "ca.crt"))


def test_no_two_jobs_share_an_authority() -> None:
    assert secret_data(NAMES, NOON)["ca.crt"] != secret_data(NAMES, NOON)["ca.crt"]
