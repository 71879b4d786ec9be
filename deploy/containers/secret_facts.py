"""Whether the secrets are all there, can be used, and belong together."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from deploy.containers.certificate import CERTIFICATE, KEY
from deploy.containers.disabled import disabled
from deploy.containers.facts import CertificateFacts, SecretFacts
from deploy.containers.secrets import ACCOUNTS, SMTP, make
from deploy.local.secrets import SIGNING_KEY_ID
from deploy.local.setup import logins
from services.chassis.sealing import Sealer, decode_key
from services.chassis.tokens import TokenSigner
from services.contracts.territory import Territory


def secret_facts(directory: Path, territory: Territory | None) -> SecretFacts:
    """Look at every file; without a territory, at those alone that are there for every territory."""
    missing = (
        [] if territory is None else sorted(_names(territory) - {each.name for each in directory.iterdir()})
    )
    checks: dict[str, Callable[[str], object]] = {
        **{file.name: Sealer.parse for file in directory.glob("*-data-keys")},
        "identity-blind-index-key": decode_key,
        "catalogue-delivery-code-key": decode_key,
        "jwks.json": lambda text: _require_key_of_signer(directory, text),
        ACCOUNTS: lambda text: _require_logins(territory, text),
        SMTP: _server_of,
    }
    faults = {}
    for name, check in checks.items():
        if (directory / name).exists():
            try:
                check((directory / name).read_text().strip())
            except (OSError, ValueError) as error:
                faults[name] = str(error)
            except (AttributeError, KeyError, TypeError):
                faults[name] = "it is JSON, and not in the form that it must have"
    return SecretFacts(
        directory_mode=stat.S_IMODE(directory.stat().st_mode),
        missing=missing,
        faults=faults,
        smtp=_server_of((directory / SMTP).read_text().strip()) if _is_sound(directory, SMTP, faults) else "",
        certificate=certificate_facts(directory),
        disabled=sorted(disabled(directory)),
    )


def certificate_facts(directory: Path) -> CertificateFacts | None:
    """None if there is no certificate."""
    certificate, key = directory / CERTIFICATE, directory / KEY
    if not certificate.exists() and not key.exists():
        return None
    try:
        first = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
        private = load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        return CertificateFacts(fault=str(error))
    try:
        names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        known = names.get_values_for_type(x509.DNSName)
        known += [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    except x509.ExtensionNotFound:
        known = []
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    fits = private.public_key().public_bytes(*form) == first.public_key().public_bytes(*form)
    return CertificateFacts(
        names=known,
        not_before=first.not_valid_before_utc,
        not_after=first.not_valid_after_utc,
        self_signed=first.issuer == first.subject,
        fault="" if fits else f"{KEY} is not the key of the first certificate in {CERTIFICATE}",
    )


def _names(territory: Territory) -> set[str]:
    with TemporaryDirectory() as scratch:
        make(Path(scratch), territory)
        return {each.name for each in Path(scratch).iterdir()}


def _is_sound(directory: Path, name: str, faults: dict[str, str]) -> bool:
    return (directory / name).exists() and name not in faults


def _require_key_of_signer(directory: Path, jwks: str) -> None:
    pem = (directory / "signing-key.pem").read_bytes()
    own = TokenSigner(pem, SIGNING_KEY_ID).jwks()["keys"][0]["x"]
    if own not in [key.get("x") for key in json.loads(jwks)["keys"]]:
        raise ValueError("the public half of signing-key.pem is not in it: every token would be refused")


def _require_logins(territory: Territory | None, accounts: str) -> None:
    lacking = [] if territory is None else sorted(set(logins(territory)) - json.loads(accounts).keys())
    if lacking:
        raise ValueError(f"no password for {', '.join(lacking)}")


def _server_of(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps", "smtp+starttls"} or not parts.hostname:
        raise ValueError(
            "not like smtp://host:25, smtp+starttls://user:password@host:587, smtps://…@host:465"
        )
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
