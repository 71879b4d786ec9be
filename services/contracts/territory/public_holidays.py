"""The holidays of a territory: Italy's, computed, and each comune's patron day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from services.contracts.territory.territory import Territory


@dataclass(frozen=True, slots=True)
class PublicHoliday:
    """A local day on which offices rest: in one comune, or, with `comune` None, in all of them."""

    day: dt.date
    name_it: str
    name_en: str
    comune: str | None = None


def public_holidays(territory: Territory, years: Iterable[int]) -> tuple[PublicHoliday, ...]:
    """All holidays of some calendar years, by day; the national ones first within a day.

    Closures of single desks or providers are no holidays; they are `territory.closures`.
    """
    # The library brings every country of the world: it is loaded only by who asks for holidays.
    from holidays import country_holidays

    wanted = sorted(set(years))
    italian = country_holidays("IT", years=wanted, language="it_IT")
    english = country_holidays("IT", years=wanted, language="en_US")
    national = [PublicHoliday(day, italian[day], english[day]) for day in italian]
    patrons = [
        PublicHoliday(
            dt.date(year, int(comune.patron.day[:2]), int(comune.patron.day[3:])),
            comune.patron.name,
            comune.patron.name,
            comune.belfiore,
        )
        for year in wanted
        for comune in territory.comuni
    ]
    return tuple(sorted(national + patrons, key=lambda holiday: (holiday.day, holiday.comune or "")))
