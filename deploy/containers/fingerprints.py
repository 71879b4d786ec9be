"""Which keys an installation has, without saying them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from deploy.broker.topology import SERVICES
from services.chassis.sealing import decode_key

_RINGS: Final = (*(f"{service}-data-keys" for service in SERVICES), "event-data-keys")
_KEYS: Final = ("identity-blind-index-key", "catalogue-delivery-code-key")
_SHOWN_DIGITS: Final = 32


def fingerprints(directory: Path) -> dict[str, dict[str, str]]:
    """Of each key without which data in the databases cannot be read or found, by file and by its id in it.

    Keys are 256 random bits, so that nothing about them can be learned from a hash. Raises OSError if a file
    is missing, ValueError (without the key) if it holds something else.
    """
    found = {}
    for name in _RINGS:
        parts = (entry.strip().partition(":") for entry in (directory / name).read_text().split(","))
        found[name] = {key: _hash(value) for key, _, value in parts}
    return found | {name: {"": _hash((directory / name).read_text())} for name in _KEYS}


def _hash(text: str) -> str:
    return hashlib.sha256(decode_key(text)).hexdigest()[:_SHOWN_DIGITS]
