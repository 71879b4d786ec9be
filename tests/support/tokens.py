"""Tokens like identity's, from a key made for the test."""

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.chassis.caller import Caller, Role
from services.chassis.tokens import TokenSigner


def new_signing_key() -> bytes:
    """A fresh Ed25519 private key, PKCS#8 PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class TokenIssuer:
    """Signs tokens and keeps `jwks_file`, the file that services verify them with."""

    def __init__(self, directory: Path, kid: str = "test-1") -> None:
        self.signer = TokenSigner(new_signing_key(), kid)
        self.jwks_file = directory / "jwks.json"
        self.publish(self.signer)

    def publish(self, *signers: TokenSigner) -> None:
        """Makes the file hold exactly these signers' public keys."""
        keys = [key for signer in signers for key in signer.jwks()["keys"]]
        partial = self.jwks_file.with_suffix(".partial")
        partial.write_text(json.dumps({"keys": keys}))
        partial.replace(self.jwks_file)

    def token(self, subject: str, *roles: str, lifetime_seconds: int = 600, **claims: object) -> str:
        """A token of `subject` with roles written "name:scope"."""
        return self.signer.sign({"sub": subject, "roles": list(roles), **claims}, lifetime_seconds)

    def caller(self, subject: str, *roles: str) -> Caller:
        """The caller whom such a token stands for, with the token in it."""
        return Caller(
            subject, roles=frozenset(Role.parse(role) for role in roles), token=self.token(subject, *roles)
        )
