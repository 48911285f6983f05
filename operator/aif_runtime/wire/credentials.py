"""TLS from files, both sides proven; without TLS only where that is said in so many words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509

from aif_runtime.learning.errors import InvalidRole, MalformedFrame


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of a mounted Secret.

    Attributes:
        authority: Certificate of the authority that signed both sides' certificates.
        certificate: Own certificate.
        key: Own key.
        server_name: Name that a server's certificate must bear; empty for the host that is dialled.
    """

    authority: Path
    certificate: Path
    key: Path
    server_name: str = ""

    def _read(self) -> tuple[bytes, bytes, bytes]:
        read = []
        for name in ("authority", "certificate", "key"):
            path = getattr(self, name)
            try:
                read.append(path.read_bytes())
            except OSError as error:
                raise InvalidRole(f"tls.{name}: {path} cannot be read: {error.strerror}") from error
        return read[0], read[1], read[2]

    def server(self) -> grpc.ServerCredentials:
        """Return what a server shows, and asks its clients for."""
        authority, certificate, key = self._read()
        return grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)

    def client(self) -> grpc.ChannelCredentials:
        """Return what a client shows, and asks the server for."""
        authority, certificate, key = self._read()
        return grpc.ssl_channel_credentials(authority, key, certificate)


def under_pseudonym(tls: Tls | None, ticket: str) -> str:
    """Return the name under which the owner of a ticket attaches: with TLS one that its certificate stands for.

    Raises:
        InvalidRole: The certificate cannot be read.
    """
    if tls is None:
        return ticket
    try:
        subject = x509.load_pem_x509_certificate(tls.certificate.read_bytes()).subject
        common = subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    except (OSError, ValueError, IndexError) as error:
        raise InvalidRole(f"tls.certificate: {tls.certificate} bears no name that can be read: {error}") from error
    return f"{common!s}-{int(ticket, 16)}"


def check_identity(name: str, common_names: list[str]) -> None:
    """Accept a peer's name by its certificate: the same, or the certificate's with a number behind it.

    The pods of one indexed Job share a Secret: a certificate for `a-client` stands for `a-client-0`, `a-client-1` ...

    Raises:
        MalformedFrame: The certificate is for somebody else.
    """
    for common in common_names:
        if name == common or (name.startswith(f"{common}-") and name.removeprefix(f"{common}-").isdigit()):
            return
    raise MalformedFrame(f"{name} came with a certificate for {', '.join(common_names) or 'nobody'}")
