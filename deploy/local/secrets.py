"""The secrets of one installation: one file each, made once, readable by their owner only.

The same names serve the containers' `/run/secrets`.
"""

import base64
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.chassis.tokens import TokenSigner

SIGNING_KEY_ID = "k1"


class Secrets:
    """The files below `directory`; each is made when it is first asked for.

    Without `may_make`, FileNotFoundError instead: for those who only look.
    """

    def __init__(self, directory: Path, *, may_make: bool = True) -> None:
        self._directory = directory
        self._may_make = may_make

    def password(self, name: str) -> str:
        """A random password of letters, digits, - and _ (safe in URLs), the same one every time."""
        return self._once(name, lambda: secrets.token_urlsafe(24)).read_text()

    def key(self, name: str) -> Path:
        """A file with one 256-bit key in base64."""
        return self._once(name, lambda: base64.b64encode(os.urandom(32)).decode())

    def key_ring(self, name: str) -> Path:
        """A file with keys as `id:base64,…`, the current one first; made with one key."""
        return self._once(name, lambda: "k1:" + base64.b64encode(os.urandom(32)).decode())

    def signing_key(self) -> Path:
        """The Ed25519 key of the access tokens, PKCS#8 PEM."""

        def make() -> str:
            key = Ed25519PrivateKey.generate()
            return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

        return self._once("signing-key.pem", make)

    def jwks(self) -> Path:
        """The public half of the signing key as a JSON Web Key Set."""
        pem = self.signing_key().read_bytes()
        return self._once("jwks.json", lambda: json.dumps(TokenSigner(pem, SIGNING_KEY_ID).jwks()))

    def given(self, name: str, text: str) -> Path:
        """A file with `text` when it is first asked for; what somebody has written into it since stays."""
        return self._once(name, lambda: text)

    def passwords(self, name: str, logins: list[str]) -> Path:
        """A JSON object login → password; known logins keep theirs, new ones get one."""
        path = self._once(name, lambda: "{}")
        known = self.known_passwords(name)
        wanted = {login: known.get(login) or readable_password() for login in logins}
        if wanted != known:
            _write(path, json.dumps(wanted, indent=2) + "\n")
        return path

    def known_passwords(self, name: str) -> dict[str, str]:
        """The passwords in such a file. FileNotFoundError, or ValueError if it is no JSON."""
        known: dict[str, str] = json.loads(self.text(name))
        return known

    def text(self, name: str) -> str:
        """What stands in a file, without white space around it. FileNotFoundError."""
        return (self._directory / name).read_text().strip()

    def forget(self, name: str) -> None:
        """A new one is made when it is asked for next."""
        (self._directory / name).unlink(missing_ok=True)

    def forget_passwords(self, name: str, logins: list[str]) -> None:
        """These logins get new passwords when they are asked for next."""
        kept = {login: each for login, each in self.known_passwords(name).items() if login not in logins}
        _write(self._directory / name, json.dumps(kept, indent=2) + "\n")

    def _once(self, name: str, make: Callable[[], str]) -> Path:
        path = self._directory / name
        if not path.exists():
            if not self._may_make:
                raise FileNotFoundError(f"{name} is missing among the secrets")
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, make())
        return path


def readable_password() -> str:
    """A password that a person can copy from a screen: 80 bits, without characters that look alike."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


def _write(path: Path, text: str) -> None:
    """Replace a file at once, never readable by others, never half-written."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)
