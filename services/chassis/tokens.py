"""The callers' tokens: short-lived JWTs signed with Ed25519 by identity, verified again by every service.

Claims: `iss`, `aud`, `sub`, `iat`, `exp`, `jti`; optionally `person` (UUID), `roles` (["role:scope"]) and
`acting_for` ({person UUID: [powers]}). The public keys are a JWKS file that identity writes and the others
read.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import OKPAlgorithm

from services.chassis.caller import Caller, Role
from services.chassis.clock import unix_seconds
from services.chassis.refusal import Kind, Refusal

ISSUER = "ambito"
AUDIENCE = "ambito"
_ALGORITHM = "EdDSA"
_CLOCK_SKEW_SECONDS = 5
_MAX_TOKEN_CHARACTERS = 6_000  # below gRPC's 8 KiB of metadata
_RELOAD_INTERVAL_SECONDS = 1.0


class TokenInvalid(Refusal):
    """The token is not one of ours: malformed, forged, for somebody else, or signed by an unknown key."""

    kind = Kind.UNAUTHENTICATED
    type = "token-invalid"
    it = "Le credenziali di accesso non sono valide: occorre accedere di nuovo."
    en = "The access token is not valid: please sign in again."


class TokenExpired(Refusal):
    """The token was good and its time is over."""

    kind = Kind.UNAUTHENTICATED
    type = "token-expired"
    it = "La sessione è scaduta: occorre accedere di nuovo."
    en = "The session has expired: please sign in again."


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a token with a good signature says; times are Unix seconds."""

    issued_at: float
    expires_at: float
    caller: Caller


class TokenVerifier:
    """Turns a token into a Caller. Thread-safe; a token seen before costs no signature check."""

    def __init__(
        self,
        jwks_file: Path,
        *,
        issuer: str = ISSUER,
        audience: str = AUDIENCE,
        cache_size: int = 4096,
        now: Callable[[], float] = unix_seconds,
    ) -> None:
        """`jwks_file` need not exist yet: it is read when a token names a key that is not known, at most once
        a second.

        At most `cache_size` tokens with a good signature are remembered. `now` gives Unix seconds.
        """
        self._jwks_file = jwks_file
        self._issuer = issuer
        self._audience = audience
        self._cache_size = cache_size
        self._now = now
        self._lock = threading.Lock()
        self._verified: OrderedDict[str, _Verified] = OrderedDict()
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._next_reload = 0.0

    def verify(self, token: str) -> Caller:
        """The caller that `token` stands for. Raises TokenInvalid or TokenExpired."""
        with self._lock:
            known = self._verified.get(token)
            if known is not None:
                self._verified.move_to_end(token)
        if known is None:
            known = self._check(token)
            self._remember(token, known)
        # Remembered ones, too: when a clock that was ahead is put right, some of them come from later, and a
        # caller who is taken for good here would be refused by every service that did not see the token then.
        now = self._now()
        if known.issued_at > now + _CLOCK_SKEW_SECONDS:
            raise TokenInvalid
        if known.expires_at <= now:
            raise TokenExpired
        return known.caller

    def _remember(self, token: str, verified: _Verified) -> None:
        with self._lock:
            self._verified[token] = verified
            while len(self._verified) > self._cache_size:
                self._verified.popitem(last=False)

    def _check(self, token: str) -> _Verified:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise TokenInvalid
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                # Times are compared by verify(), with our own clock.
                options={
                    "require": ["iss", "aud", "sub", "iat", "exp", "jti"],
                    "verify_iat": False,
                    "verify_exp": False,
                },
            )
            return _Verified(float(claims["iat"]), float(claims["exp"]), _caller(claims, token))
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError) as error:
            raise TokenInvalid from error

    def _key(self, kid: object) -> Ed25519PublicKey:
        if not isinstance(kid, str):
            raise TokenInvalid
        key = self._keys.get(kid)
        if key is None:
            with self._lock:
                self._reload()
                key = self._keys.get(kid)
        if key is None:
            raise TokenInvalid
        return key

    def _reload(self) -> None:
        now = time.monotonic()
        if now < self._next_reload:
            return
        self._next_reload = now + _RELOAD_INTERVAL_SECONDS
        keys = _read_jwks(self._jwks_file)
        if any(kid not in keys for kid in self._keys):
            self._verified.clear()  # a key was withdrawn: what it signed must not live on in the cache
        self._keys = keys


class TokenSigner:
    """Signs tokens; only identity has one."""

    def __init__(
        self, private_key_pem: bytes | str, kid: str, *, issuer: str = ISSUER, audience: str = AUDIENCE
    ) -> None:
        """`private_key_pem`: Ed25519 in PKCS#8 PEM, else ValueError. `kid` names the key in the JWKS."""
        pem = private_key_pem.encode() if isinstance(private_key_pem, str) else private_key_pem
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the signing key must be Ed25519")  # noqa: TRY004  # a wrong value, of text
        self._key = key
        self._kid = kid
        self._issuer = issuer
        self._audience = audience

    def sign(self, claims: Mapping[str, Any], lifetime_seconds: int) -> str:
        """A token with these claims (`sub` required) and iss, aud, iat, exp, jti. ValueError if no `sub`."""
        if not claims.get("sub"):
            raise ValueError("a token needs a subject")
        issued_at = int(unix_seconds())
        full = {
            "jti": uuid.uuid4().hex,
            **claims,
            "iss": self._issuer,
            "aud": self._audience,
            "iat": issued_at,
            "exp": issued_at + lifetime_seconds,
        }
        return jwt.encode(full, self._key, algorithm=_ALGORITHM, headers={"kid": self._kid})

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public key as a JSON Web Key Set with one key, ready for json.dump."""
        jwk = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**jwk, "kid": self._kid, "use": "sig", "alg": _ALGORITHM}]}


def _read_jwks(path: Path) -> dict[str, Ed25519PublicKey]:
    """The file's Ed25519 keys by kid; none if the file is missing. ValueError if it is not a JWKS."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    keys: dict[str, Ed25519PublicKey] = {}
    for jwk in document["keys"]:
        if jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519" and "kid" in jwk:
            key = OKPAlgorithm.from_jwk(jwk)
            if isinstance(key, Ed25519PublicKey):
                keys[jwk["kid"]] = key
    return keys


def _caller(claims: Mapping[str, Any], token: str) -> Caller:
    person = claims.get("person")
    return Caller(
        subject=claims["sub"],
        person=None if person is None else uuid.UUID(person),
        roles=frozenset(Role.parse(text) for text in claims.get("roles", ())),
        acting_for={
            uuid.UUID(key): frozenset(powers) for key, powers in claims.get("acting_for", {}).items()
        },
        token=token,
    )
