"""A certificate that nobody has signed: to try TLS, and for tests."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CERTIFICATE, KEY = "tls.crt", "tls.key"
VALID = dt.timedelta(days=90)


class CertificateExists(Exception):
    """There is one already, perhaps a real one; it is left alone."""


def make_certificate(directory: Path, names: list[str]) -> None:
    """Write `tls.crt` and `tls.key` for these DNS names, valid for 90 days. Raises CertificateExists."""
    for name in (CERTIFICATE, KEY):
        if (directory / name).exists():
            raise CertificateExists(f"{name} exists: delete {CERTIFICATE} and {KEY} to have them made anew")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # clocks differ
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for name, content in (
        (CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM)),
        (KEY, private),
    ):
        (directory / name).write_bytes(content)
        (directory / name).chmod(0o444)
