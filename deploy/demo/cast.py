"""The people of the story: invented anew for each telling, with valid codici fiscali, nobody twice."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.identity.domain.codice_fiscale import Sex, encode

_FAMILY_NAMES = (
    "Galimberti",
    "Castiglioni",
    "Bernasconi",
    "Ghiringhelli",
    "Mazzucchelli",
    "Vanoni",
    "Uslenghi",
)
_MOTHERS = ("Ernesta", "Pierina", "Giuseppina", "Adelaide", "Carolina", "Vittoria", "Ambrogina")
_DAUGHTERS = ("Laura", "Chiara", "Silvia", "Roberta", "Paola", "Cristina", "Antonella")
_VARESE, _TRADATE = "L682", "L319"
_DAYS = 12 * 365
_known: set[str] = set()
"""The codici fiscali of all whom this process has invented."""
_one_by_one = threading.Lock()


@dataclass(frozen=True)
class Role:
    """Somebody of the story, and what the portal asks of them."""

    details: dict[str, Any]
    username: str = ""
    password: str = ""

    @property
    def name(self) -> str:
        return f"{self.details['given_name']} {self.details['family_name']}"


def mother(comune: str) -> Role:
    """An elderly citizen without e-mail."""
    return Role(_details(secrets.choice(_MOTHERS), comune, born_from=1932, birthplace=_TRADATE))


def daughter(comune: str) -> Role:
    """Her daughter, who has a household of her own, an e-mail address and a password."""
    name = f"figlia-{secrets.token_hex(6)}"
    details = _details(secrets.choice(_DAUGHTERS), comune, born_from=1962, birthplace=_VARESE)
    return Role({**details, "email": f"{name}@example.it"}, name, secrets.token_urlsafe(18))


def _details(given_name: str, comune: str, *, born_from: int, birthplace: str) -> dict[str, Any]:
    family_name = secrets.choice(_FAMILY_NAMES)
    born, code = _born(family_name, given_name, born_from, birthplace)
    return {
        "codice_fiscale": code,
        "given_name": given_name,
        "family_name": family_name,
        "birth_date": born.isoformat(),
        "sex": "female",
        "comune": comune,
        "address": f"Via delle Vigne {secrets.randbelow(120) + 1}",
        "language": "it",
    }


def _born(family_name: str, given_name: str, born_from: int, birthplace: str) -> tuple[date, str]:
    """A birthday that gives the person a codice fiscale of her own; among some hundreds, two would share
    one before long.
    """
    while True:
        born = date(born_from, 1, 1) + timedelta(days=secrets.randbelow(_DAYS))
        code = encode(family_name, given_name, born, Sex.FEMALE, birthplace).value
        with _one_by_one:
            if code not in _known:
                _known.add(code)
                return born, code
