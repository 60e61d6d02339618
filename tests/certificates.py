"""Certificates of authorities of our own: right ones, expired ones, and those of other hosts."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """An authority, and the directory that its certificates are written to."""

    directory: Path
    name: str
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @classmethod
    def made(cls, directory: Path, name: str = "authority") -> Authority:
        """A new one; its certificate is in `pem`."""
        key = rsa.generate_private_key(65537, 2048)
        builder = _builder(name, name, key, -_DAY, _DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        authority = cls(directory, name, key, builder.sign(key, hashes.SHA256()))
        authority.pem.write_bytes(_pem(authority.certificate))
        return authority

    @property
    def pem(self) -> Path:
        """The file with its certificate."""
        return self.directory / f"{self.name}.pem"

    def sign(self, name: str, *, host: str = "", is_expired: bool = False) -> Path:
        """A file with a new key and certificate of this name, for its owner alone.

        Args:
            name: who it is of.
            host: whose server it is; this machine's loopback address where nothing is said.
            is_expired: whether it ended a day ago.
        """
        key = rsa.generate_private_key(65537, 2048)
        begin, end = (-2 * _DAY, -_DAY) if is_expired else (-_DAY, _DAY)
        loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        alternative = x509.SubjectAlternativeName([x509.DNSName(host) if host else loopback])
        builder = _builder(name, self.name, key, begin, end).add_extension(alternative, False)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = self.directory / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_bytes(_pem(builder.sign(self.key, hashes.SHA256())) + private)
        return path


def _builder(
    name: str,
    issuer: str,
    key: rsa.RSAPrivateKey,
    begin: datetime.timedelta,
    end: datetime.timedelta,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begin)
        .not_valid_after(now + end)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
