"""Certificates for tests: an authority, and keys signed by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from aif_runtime.wire.credentials import Tls

DAY = timedelta(days=1)


class Authority:
    """Signs certificates, and writes them into a folder as a mounted Secret has them."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(name, self.key, authority=True)
        (folder / f"{name}.crt").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *also: str) -> Tls:
        """Return files with a certificate for ``name``, that is good for other hosts and 127.0.0.1 ``also``."""
        key = ec.generate_private_key(ec.SECP256R1())
        encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
        (self.folder / f"{name}.key").write_bytes(secret)
        (self.folder / f"{name}.crt").write_bytes(
            self._signed(name, key, *also, authority=False).public_bytes(encoding)
        )
        return Tls(self.folder / f"{self.name}.crt", self.folder / f"{name}.crt", self.folder / f"{name}.key")

    def _signed(self, name: str, key: ec.EllipticCurvePrivateKey, *also: str, authority: bool) -> x509.Certificate:
        now = datetime.now(UTC)  # noqa: TID251 - certificates are good from a day ago
        issuer = self.certificate.subject if not authority else _named(name)
        names = [*map(x509.DNSName, (name, *also)), x509.IPAddress(IPv4Address("127.0.0.1"))]
        builder = x509.CertificateBuilder(issuer, _named(name), key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - DAY).not_valid_after(now + DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        return builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(self.key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
