"""A real Redis that only speaks TLS, as managed ones do, and an authority that signs its certificate."""

import datetime
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.local.process import LocalProcess, LocalStackError
from config.local.redis import LocalRedis

_WITHOUT_TLS = ("TLS support", "tls-port")


class Authority:
    """Signs certificates; ``file`` is its own certificate, which clients trust or not.

    Args:
        folder: Where its files are stored.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
        signing = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            self._begin(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(signing, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: x509.GeneralName) -> tuple[Path, Path]:
        """Return the files of a new certificate for a host and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._begin(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Redis")]), key.public_key())
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        certificate_file, key_file = self._folder / "redis.pem", self._folder / "redis.key"
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.touch(mode=0o600)
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate_file, key_file

    def _begin(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            # From yesterday on, so that clocks may differ.
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=7))
        )


LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


class TlsRedis(LocalRedis):
    """Skips the test if the available server was built without TLS, as the pinned wheel is.

    Args:
        authority: Signs its certificate; clients of ``url`` trust it.
        host: The name in the certificate.
        options: Further server settings.
    """

    def __init__(
        self, authority: Authority, *, host: x509.GeneralName = LOOPBACK, options: Mapping[str, str] | None = None
    ) -> None:
        certificate, key = authority.issue(host)
        tls = {
            "tls-cert-file": str(certificate),
            "tls-key-file": str(key),
            "tls-ca-cert-file": str(authority.file),
            # Clients present a password, not a certificate.
            "tls-auth-clients": "no",
        }
        super().__init__(options={**tls, **(options or {})})
        self._authority = authority

    @property
    def url(self) -> str:
        """The URL with the password and the authority."""
        return self.url_trusting(self._authority)

    def url_trusting(self, authority: Authority | None) -> str:
        """Return the URL for a client that trusts another authority, or with None the system's."""
        query = f"ssl_ca_certs={authority.file}" if authority else ""
        return urlunsplit(urlsplit(super().url)._replace(scheme="rediss", query=query))

    @property
    def password(self) -> str:
        return urlsplit(super().url).password or ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Start the server and wait until it answers. Raises LocalStackError."""
        try:
            super().start()
        except LocalStackError as error:
            if any(words in str(error) for words in _WITHOUT_TLS):
                pytest.skip("This Redis was built without TLS; Debian's redis-server has it.")
            raise

    def _new_process(self, program: Path, folder: Path) -> LocalProcess:
        # The port may have changed since.
        self._options |= {"port": "0", "tls-port": str(self.port)}
        return super()._new_process(program, folder)
