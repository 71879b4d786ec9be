"""How names become the first six letters of a codice fiscale."""

from __future__ import annotations

import unicodedata

from services.identity.domain.codice_fiscale_refusals import NotEncodable

_VOWELS = frozenset("AEIOU")
# Umlauts take an E (Agenzia delle Entrate, circular 34/E of 2011); the others Unicode does not decompose.
_TRANSLITERATION = str.maketrans(
    {
        "Ä": "AE",
        "Ö": "OE",
        "Ü": "UE",
        "Æ": "AE",
        "Œ": "OE",
        "Ø": "OE",
        "Å": "AA",
        "ẞ": "SS",
        "Đ": "D",
        "Ð": "D",
    }
    | {"Ł": "L", "Þ": "TH", "Ħ": "H", "Ŋ": "N"}
)


def letters_of(name: str, *, field: str) -> str:
    """A–Z only: accents, apostrophes, hyphens, spaces dropped; letters of other Latin scripts replaced."""
    text = unicodedata.normalize("NFC", name).replace("ß", "ẞ").upper().translate(_TRANSLITERATION)
    letters = [c for c in unicodedata.normalize("NFKD", text) if c.isalpha()]
    if not letters or any(not c.isascii() for c in letters):
        raise NotEncodable(field=field)
    return "".join(letters)


def surname_letters(letters: str) -> str:
    consonants = [c for c in letters if c not in _VOWELS]
    vowels = [c for c in letters if c in _VOWELS]
    return "".join(consonants + vowels + ["X", "X"])[:3]


def given_name_letters(letters: str) -> str:
    consonants = [c for c in letters if c not in _VOWELS]
    if len(consonants) >= 4:
        return consonants[0] + consonants[2] + consonants[3]
    return surname_letters(letters)
