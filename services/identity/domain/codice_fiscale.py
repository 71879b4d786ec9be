"""The Italian codice fiscale of a person: reading, checking and computing it.

Two forms are valid for persons:

* 16 characters, D.M. 23 December 1976 (surname, name, birth date, sex, birthplace, check letter). When two
  persons would get the same code, the Agenzia delle Entrate replaces some of its seven digits by letters
  ("omocodia"): both codes are then of two different persons and are never treated as one.
* 11 digits, the provisional code given to asylum seekers (Agenzia delle Entrate, circular 8 of 26 July 2016),
  with the check digit of a partita IVA. It carries no birth data and is later replaced by the 16 characters.

The code holds the birth year without its century, so no age is ever computed from it: a code is only compared
with a birth date that somebody declared.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations

from services.identity.domain.codice_fiscale_names import given_name_letters, letters_of, surname_letters
from services.identity.domain.codice_fiscale_refusals import (
    BirthDateMismatch,
    ImpossibleBirthDate,
    MalformedCodiceFiscale,
    NotEncodable,
    SexMismatch,
    WrongCheckCharacter,
)

_PERSONAL = re.compile(
    r"[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]"
)
_PROVISIONAL = re.compile(r"[0-9]{11}")
_BIRTHPLACE = re.compile(r"[A-Z][0-9]{3}")
_MONTHS = "ABCDEHLMPRST"
_FEMALE_DAY_OFFSET = 40
_OMOCODIC_LETTERS = "LMNPQRSTUV"
_TO_DIGIT = str.maketrans(_OMOCODIC_LETTERS, "0123456789")
_DIGIT_POSITIONS = (6, 7, 9, 10, 12, 13, 14)
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ODD_WEIGHTS = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
# A digit weighs as much as the letter with the same ordinal: 0 as A, 1 as B … 9 as J.
_ODD = {c: _ODD_WEIGHTS[i if i < 10 else i - 10] for i, c in enumerate(_ALPHABET)}
_EVEN = {c: i if i < 10 else i - 10 for i, c in enumerate(_ALPHABET)}


class Sex(StrEnum):
    """The sex recorded at the registry office, as the codice fiscale encodes it."""

    FEMALE = "F"
    MALE = "M"


@dataclass(frozen=True, slots=True)
class CodiceFiscale:
    """A valid codice fiscale in its normal form (upper case, no spaces), made by `parse` or `encode`.

    Two objects are equal only if the codes are the same characters: an omocodic code is another person's.
    """

    value: str

    @property
    def is_provisional(self) -> bool:
        """True for the 11-digit form, which says nothing about birth or sex."""
        return len(self.value) == 11

    @property
    def is_omocodic(self) -> bool:
        """True if at least one digit was replaced by a letter to tell two persons apart."""
        return not self.is_provisional and self.plain != self.value

    @property
    def plain(self) -> str:
        """The code before omocodia (the same if it is not omocodic). A hint for searches, no identity."""
        if self.is_provisional:
            return self.value
        digits = _plain_digits(self.value)
        return digits + _check_letter(digits)

    @property
    def sex(self) -> Sex | None:
        """The encoded sex; None for a provisional code."""
        if self.is_provisional:
            return None
        return Sex.FEMALE if int(_plain_digits(self.value)[9:11]) > _FEMALE_DAY_OFFSET else Sex.MALE

    @property
    def birthplace(self) -> str | None:
        """Belfiore code of the comune (Z### of the foreign state) of birth; None for a provisional code."""
        return None if self.is_provisional else _plain_digits(self.value)[11:15]

    @property
    def birth_day(self) -> tuple[int, int, int] | None:
        """(year modulo 100, month, day) of birth; None for a provisional code."""
        if self.is_provisional:
            return None
        plain = _plain_digits(self.value)
        return int(plain[6:8]), _MONTHS.index(plain[8]) + 1, int(plain[9:11]) % _FEMALE_DAY_OFFSET

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return "CodiceFiscale(***)"  # a repr ends in logs and tracebacks


def normalise(text: str) -> str:
    """Upper case without white space. Characters outside ASCII stay, so that none turns into a valid one."""
    return "".join(c.upper() if c.isascii() else c for c in text if not c.isspace())


def parse(text: str, *, field: str = "codice_fiscale") -> CodiceFiscale:
    """Read a code as a person typed it, in either form.

    Raises:
        MalformedCodiceFiscale: wrong length or wrong kind of character in a place
        WrongCheckCharacter: the check letter or digit does not match
        ImpossibleBirthDate: the encoded day exists in no year
    """
    code = normalise(text)
    if _PROVISIONAL.fullmatch(code):
        if not code.strip("0"):
            raise MalformedCodiceFiscale(field=field)
        if _check_digit(code[:10]) != code[10]:
            raise WrongCheckCharacter(field=field)
        return CodiceFiscale(code)
    if not _PERSONAL.fullmatch(code):
        raise MalformedCodiceFiscale(field=field)
    if _check_letter(code[:15]) != code[15]:
        raise WrongCheckCharacter(field=field)
    result = CodiceFiscale(code)
    if not _day_exists(_plain_digits(code)):
        raise ImpossibleBirthDate(field=field)
    return result


def check_declared(
    code: CodiceFiscale, *, birth_date: date, sex: Sex | None = None, field: str = "codice_fiscale"
) -> None:
    """Compare a code with what the person declared; nothing to compare in a provisional code.

    The year is compared modulo 100: 30 May 1919 and 30 May 2019 have the same code.

    Raises:
        BirthDateMismatch: another day, month or year within the century
        SexMismatch: another sex (only if one was declared)
    """
    if code.is_provisional:
        return
    if code.birth_day != (birth_date.year % 100, birth_date.month, birth_date.day):
        raise BirthDateMismatch(field=field)
    if sex is not None and code.sex is not sex:
        raise SexMismatch(field=field)


def encode(family_name: str, given_name: str, birth_date: date, sex: Sex, birthplace: str) -> CodiceFiscale:
    """Compute the 16-character code of a person.

    The birthplace is a Belfiore code, or Z### for a foreign state. Its existence is not checked: suppressed
    comuni keep theirs.

    Raises:
        NotEncodable: a name has letters without transliteration or none, or the birthplace is no such code
    """
    place = normalise(birthplace)
    if not _BIRTHPLACE.fullmatch(place):
        raise NotEncodable(field="birthplace")
    day = birth_date.day + (_FEMALE_DAY_OFFSET if sex is Sex.FEMALE else 0)
    body = "".join(
        (
            surname_letters(letters_of(family_name, field="family_name")),
            given_name_letters(letters_of(given_name, field="given_name")),
            f"{birth_date.year % 100:02d}{_MONTHS[birth_date.month - 1]}{day:02d}{place}",
        )
    )
    return CodiceFiscale(body + _check_letter(body))


def provisional(serial: int) -> CodiceFiscale:
    """The 11-digit code with this serial number, 1 to 9,999,999,999.

    Raises:
        NotEncodable: the serial number is out of range
    """
    if not 0 < serial < 10**10:
        raise NotEncodable(field="serial")
    body = f"{serial:010d}"
    return CodiceFiscale(body + _check_digit(body))


def omocodic_variants(code: CodiceFiscale) -> tuple[CodiceFiscale, ...]:
    """The 127 omocodic codes with the same plain form: fewest letters first, right-most digits first.

    The first with k letters is the k-th that the Agenzia delle Entrate assigns. None for a provisional code.
    """
    if code.is_provisional:
        return ()
    plain = _plain_digits(code.value)
    right_to_left = _DIGIT_POSITIONS[::-1]
    return tuple(
        _with_letters(plain, positions)
        for count in range(1, len(right_to_left) + 1)
        for positions in combinations(right_to_left, count)
    )


def _with_letters(plain: str, positions: Sequence[int]) -> CodiceFiscale:
    characters = list(plain)
    for position in positions:
        characters[position] = _OMOCODIC_LETTERS[int(characters[position])]
    body = "".join(characters)
    return CodiceFiscale(body + _check_letter(body))


def _plain_digits(code: str) -> str:
    """The first 15 characters with omocodic letters turned back into digits."""
    characters = list(code[:15])
    for position in _DIGIT_POSITIONS:
        characters[position] = characters[position].translate(_TO_DIGIT)
    return "".join(characters)


def _day_exists(plain: str) -> bool:
    month, day = _MONTHS.index(plain[8]) + 1, int(plain[9:11])
    if day > _FEMALE_DAY_OFFSET:
        day -= _FEMALE_DAY_OFFSET
    # 29 February needs a leap year in some century: 2000 for 00, and any century for other multiples of 4.
    year = 2000 + int(plain[6:8])
    return 1 <= day <= calendar.monthrange(year, month)[1]


def _check_letter(body: str) -> str:
    total = sum(_ODD[c] if i % 2 == 0 else _EVEN[c] for i, c in enumerate(body))
    return chr(ord("A") + total % 26)


def _check_digit(body: str) -> str:
    """The Luhn digit over ten digits, as in a partita IVA (D.P.R. 633/1972 art. 35)."""
    total = sum(int(c) if i % 2 == 0 else sum(divmod(2 * int(c), 10)) for i, c in enumerate(body))
    return str(-total % 10)
