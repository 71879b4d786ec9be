"""Who takes part in a run: citizens with vouchers, and slots for them to book."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.faults.life import Market, Purse

if TYPE_CHECKING:
    from tests.faults.site import Site

PROVIDERS = ("ponte-sull-olona", "casa-tiglio", "cedro-azzurro")
"""Cooperatives with which everybody books."""

HOURS = 15_000
"""Of a voucher that no run uses up: what is cancelled comes back to it only while the broker is there."""
_NOTICE_DAYS = 3
"""Days later than the notice that a cancellation needs."""
_DAYS = 25


def equip(site: Site, count: int, hours: int = HOURS) -> list[Purse]:
    """`count` new citizens, each with a voucher of so many hours, in turn for each cooperative."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda number: _purse(site, number, hours), range(count)))


def market(site: Site) -> Market:
    """Nobody has booked there yet, as far as this market knows."""
    return Market(site.world, {provider: list(free_seats(site, provider)) for provider in PROVIDERS})


def free_seats(site: Site, provider: str) -> dict[str, int]:
    """Slot → free seats."""
    first = site.world.first_day() + timedelta(days=_NOTICE_DAYS)
    return {slot["id"]: slot["free"] for slot in site.world.slots(provider, first_day=first, days=_DAYS)}


def _purse(site: Site, number: int, hours: int) -> Purse:
    citizen, provider = site.world.citizen(), PROVIDERS[number % len(PROVIDERS)]
    site.persons.add(citizen.id)
    return Purse(citizen, site.world.voucher(citizen, hours * 60, provider), provider)
