"""Personal data at rest and in internal events: sealed text, and keyed hashes to find it by.

`Sealer` encrypts (AES-256-GCM, a fresh 96-bit nonce per value; safe for 2^32 values per key). `BlindIndex`
makes equal values findable without decrypting them (HMAC-SHA256). Both bind a value to a `context` (for
example "identity.person.email"), so that a value copied into another column neither opens nor matches.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = "v1"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class SealBroken(Exception):
    """The text was not sealed by one of our keys for this context, or was altered. It stays closed."""


class Sealer:
    """Seals text with the current key and opens what any of the known keys sealed.

    Rotation: add the new key, make it current, and keep the old ones until nothing sealed by them is left.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        """`keys`: key id (letters, digits, `_`, `-`; at most 32) to 32 random bytes, else ValueError."""
        for key_id, key in keys.items():
            if _KEY_ID.fullmatch(key_id) is None:
                raise ValueError(f"not a key id: {key_id!r}")
            if len(key) != _KEY_BYTES:
                raise ValueError(f"key {key_id!r} must be {_KEY_BYTES} bytes, not {len(key)}")
        if current not in keys:
            raise ValueError(f"the current key {current!r} is not among the keys")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = current

    @classmethod
    def parse(cls, text: str) -> Sealer:
        """From a setting: `id:base64,id:base64,…`, the current key first; ValueError, without the keys."""
        keys: dict[str, bytes] = {}
        for part in text.split(","):
            key_id, colon, encoded = part.strip().partition(":")
            if not colon or key_id in keys:
                raise ValueError("keys must be written id:base64,id:base64,… with different ids")
            keys[key_id] = decode_key(encoded)
        return cls(keys, next(iter(keys)))

    def seal(self, text: str, context: str) -> str:
        """Encrypts `text` for `context`; URL-safe ASCII, about 4/3 of the length plus 45 characters."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, text.encode(), _bound(self._current, context))
        return f"{_VERSION}.{self._current}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, token: str, context: str) -> str:
        """The text that was sealed for `context`. Raises SealBroken."""
        version, _, rest = token.partition(".")
        key_id, _, encoded = rest.partition(".")
        cipher = self._ciphers.get(key_id)
        if version != _VERSION or cipher is None:
            raise SealBroken(f"sealed by an unknown key or version: {version[:8]}.{key_id[:32]}")
        try:
            raw = base64.b64decode(encoded, altchars=b"-_", validate=True)
            if base64.urlsafe_b64encode(raw).decode() != encoded:  # the last character has bits to spare
                raise SealBroken("not written as this class writes it")
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(key_id, context)).decode()
        except (binascii.Error, InvalidTag, ValueError) as error:
            raise SealBroken(f"does not open with key {key_id} in context {context}") from error


class BlindIndex:
    """A keyed hash of a value: equal values give equal bytes, and without the key no guess can be tried."""

    def __init__(self, key: bytes) -> None:
        """`key`: 32 random bytes, not one of a Sealer's. ValueError if the length is wrong."""
        if len(key) != _KEY_BYTES:
            raise ValueError(f"the key must be {_KEY_BYTES} bytes, not {len(key)}")
        self._key = key

    @classmethod
    def parse(cls, text: str) -> BlindIndex:
        """From a setting: the key in base64. ValueError (without the key) if malformed."""
        return cls(decode_key(text))

    def of(self, text: str, context: str) -> bytes:
        """32 bytes. Normalise `text` first: only exactly equal text matches."""
        return hmac.digest(self._key, _framed(context, text), hashlib.sha256)


def decode_key(text: str) -> bytes:
    """Decodes a base64 or base64url key, padded or not; ValueError, never showing the key."""
    plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a key is not base64") from None


def _bound(key_id: str, context: str) -> bytes:
    return _framed(f"{_VERSION}.{key_id}", context)


def _framed(first: str, second: str) -> bytes:
    """Both texts in one unambiguous byte string: the first is preceded by its length."""
    head = first.encode()
    return len(head).to_bytes(4) + head + second.encode()
