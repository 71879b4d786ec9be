"""Draws citizens of a territory, household by household, from a seed: the same seed, the same citizens."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from deploy.citizens.households import Member, Part, draw_household
from deploy.citizens.origins import (
    FOREIGN,
    ITALIAN_MEN,
    ITALIAN_SURNAMES,
    ITALIAN_WOMEN,
    ITALY_BIRTHPLACES,
    STREETS,
    Origin,
)
from services.contracts.territory import Territory
from services.contracts.territory.citizens import CitizenLine
from services.contracts.territory.places import Comune
from services.identity.domain.codice_fiscale import CodiceFiscale, Sex, encode, omocodic_variants, provisional

_GENERATIONS = (1950, 1980, 2000)
_FOREIGN_HOUSEHOLDS = 0.10
#: Of persons born abroad: asylum seekers who still have the 11-digit code.
_PROVISIONAL = 0.02
#: Of all: persons whose double lives elsewhere in Italy, so that their own code is an omocodic one.
_OMOCODIC = 0.001
_PHONE_PREFIX = "+39300"  # given to no operator
_SEXES = tuple(Sex)


def generate(territory: Territory, *, count: int, seed: int, on: dt.date) -> Iterator[CitizenLine]:
    """Exactly `count` citizens who are alive on a day; the last household may be cut short.

    Comuni are drawn in proportion to their residents. No two citizens share a codice fiscale or an address of
    e-mail.
    """
    random = Random(seed)
    drawing = _Drawing(random, on)
    residents = [comune.residents for comune in territory.comuni]
    drawn = number = 0
    while drawn < count:
        number += 1
        comune = random.choices(territory.comuni, residents)[0]
        for citizen in drawing.household(comune, number):
            if drawn == count:
                return
            drawn += 1
            yield citizen


@dataclass(frozen=True)
class _Home:
    """What the members of a household have in common."""

    comune: str
    address: str
    household: str
    origin: Origin | None
    family_name: str


class _Drawing:
    """The state of one run: the random source, and which codes are taken."""

    def __init__(self, random: Random, on: dt.date) -> None:
        self._random = random
        self._on = on
        self._taken: set[str] = set()
        self._provisional_codes = 0

    def household(self, comune: Comune, number: int) -> Iterator[CitizenLine]:
        """The members of one more household; the first one gives the children their surname."""
        random = self._random
        origin = None
        if random.random() < _FOREIGN_HOUSEHOLDS:
            origin = random.choices([o for o, _ in FOREIGN], [weight for _, weight in FOREIGN])[0]
        home = _Home(
            comune=comune.belfiore,
            address=f"{random.choice(STREETS)} {random.randint(1, 120)}, {comune.cap} {comune.name}",
            household=f"{comune.belfiore.lower()}-{number:06d}",
            origin=origin,
            family_name=self._surname(origin),
        )
        sex = random.choice(_SEXES)
        for index, member in enumerate(draw_household(random)):
            if member.part is Part.PARTNER:
                sex = Sex.MALE if sex is Sex.FEMALE else Sex.FEMALE
            elif index:
                sex = random.choice(_SEXES)
            email_key = f"{number}.{index + 1}"
            yield self._citizen(home, member, sex, email_key)

    def _citizen(self, home: _Home, member: Member, sex: Sex, email_key: str) -> CitizenLine:
        random, origin = self._random, home.origin
        born = self._birth_date(member.age)
        abroad = origin is not None and (member.part is not Part.CHILD or random.random() < 0.25)
        places = origin.birthplaces if origin is not None and abroad else ITALY_BIRTHPLACES
        birthplace = random.choices([p for p, _ in places], [weight for _, weight in places])[0]
        bears_family_name = member.part in {Part.ADULT, Part.CHILD}
        family_name = home.family_name if bears_family_name else self._surname(origin)
        given_name = self._given_name(sex, born, origin)
        if abroad and random.random() < _PROVISIONAL:
            self._provisional_codes += 1
            code = provisional(self._provisional_codes)
        else:
            code = self._free_code(encode(family_name, given_name, born, sex, birthplace))
        return CitizenLine(
            given_name=given_name,
            family_name=family_name,
            sex="F" if sex is Sex.FEMALE else "M",
            birth_date=born,
            birthplace_belfiore=birthplace,
            codice_fiscale=code.value,
            residence_comune=home.comune,
            address=home.address,
            household=home.household,
            email=self._email(member.age, given_name, family_name, email_key),
            phone=f"{_PHONE_PREFIX}{random.randrange(10**7):07d}" if member.age >= 14 else None,
            language="en" if abroad and random.random() < 0.3 else "it",
        )

    def _surname(self, origin: Origin | None) -> str:
        return self._random.choice(ITALIAN_SURNAMES if origin is None else origin.surnames)

    def _given_name(self, sex: Sex, born: dt.date, origin: Origin | None) -> str:
        if origin is not None:
            return self._random.choice(origin.women if sex is Sex.FEMALE else origin.men)
        generation = sum(born.year >= start for start in _GENERATIONS)
        return self._random.choice((ITALIAN_WOMEN if sex is Sex.FEMALE else ITALIAN_MEN)[generation])

    def _birth_date(self, age: int) -> dt.date:
        """A day such that the age, in completed years, holds on the day of the drawing."""
        youngest = _years_before(self._on, age)
        oldest = _years_before(self._on, age + 1) + dt.timedelta(days=1)
        return oldest + dt.timedelta(days=self._random.randrange((youngest - oldest).days + 1))

    def _free_code(self, plain: CodiceFiscale) -> CodiceFiscale:
        """The plain code, or, if that is taken or a double has it, the next omocodic one."""
        doubled = self._random.random() < _OMOCODIC
        if not doubled and plain.value not in self._taken:
            code = plain
        else:
            code = next(variant for variant in omocodic_variants(plain) if variant.value not in self._taken)
        self._taken.add(code.value)
        return code

    def _email(self, age: int, given_name: str, family_name: str, key: str) -> str | None:
        """An address for six in ten: most people of working age, few of the very old, no child."""
        share = 0.0 if age < 14 else 0.82 if age < 65 else 0.5 if age < 80 else 0.15
        if self._random.random() >= share:
            return None
        return f"{_ascii(given_name)}.{_ascii(family_name)}.{key}@example.it"


def _years_before(day: dt.date, years: int) -> dt.date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def _ascii(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss"))
    return "".join(c for c in decomposed if c.isascii() and c.isalpha())
