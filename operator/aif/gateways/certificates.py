"""Certificates for the roles of a training job: an authority that signs one each, and is forgotten."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID: Final = timedelta(days=365)
"""Longer than a job may run: its longest deadline is a month, and it may be suspended."""

_LEEWAY: Final = timedelta(minutes=5)
"""Clocks of nodes differ."""


def secret_data(names: Mapping[str, Sequence[str]], now: datetime) -> dict[str, str]:
    """Return the data of a Secret: ``ca.crt``, and ``ROLE.crt`` and ``ROLE.key`` for each role, in base64.

    Args:
        names: Names under which each role is dialled, by role; its certificate bears the role itself as common name.
        now: From when they are valid.
    """
    authority_key = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("training job")
    authority = _certificate(issuer, issuer, authority_key, authority_key, now, ca=True)
    data = {"ca.crt": _pem(authority)}
    for role, dialled in names.items():
        key = ec.generate_private_key(ec.SECP256R1())
        data[f"{role}.crt"] = _pem(_certificate(_name(role), issuer, key, authority_key, now, dialled=dialled))
        data[f"{role}.key"] = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    return {name: base64.b64encode(content).decode() for name, content in data.items()}


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signed_with: ec.EllipticCurvePrivateKey,
    now: datetime,
    *,
    ca: bool = False,
    dialled: Sequence[str] = (),
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
    )
    if not ca:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if dialled:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in dialled])
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(signed_with, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
