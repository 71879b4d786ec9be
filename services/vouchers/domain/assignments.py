"""Which cooperative a voucher is assigned to, day by day: exactly one at a time, by the person's choice."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta

from services.vouchers.domain.refusals import ProviderChangeTooEarly


@dataclass(frozen=True, slots=True)
class Assignment:
    """One cooperative from a day on, until the next assignment begins."""

    provider: str
    first: date


@dataclass(frozen=True, slots=True)
class ChangeRules:
    """What the ambito's regulation asks of a change of cooperative; both 0: nothing."""

    notice_days: int
    minimum_interval_days: int


@dataclass(frozen=True, slots=True)
class Assignments:
    """The assignments of one voucher in force, by ascending first day; those days differ."""

    items: tuple[Assignment, ...] = ()

    def on(self, day: date) -> Assignment | None:
        """The assignment of `day`, or None before the first one."""
        index = bisect_right(self.items, day, key=lambda item: item.first)
        return self.items[index - 1] if index else None

    def choosing(self, provider: str, first: date, *, today: date, rules: ChangeRules) -> Assignments:
        """The assignments after `provider` was chosen from `first` on; the same if that changes nothing.

        What had been chosen for later days is replaced. A first choice, and a change of one that has not
        begun yet, need no notice. ProviderChangeTooEarly says from which day on a change is possible.
        """
        current = self.on(first)
        later = [item for item in self.items if item.first > first]
        if current is not None and current.provider == provider and not later:
            return self
        running = self.on(today)
        if running is not None:
            earliest = max(
                today + timedelta(days=rules.notice_days),
                running.first + timedelta(days=rules.minimum_interval_days),
            )
            if first < earliest:
                raise ProviderChangeTooEarly(field="valid_from", earliest=earliest.isoformat())
        kept = tuple(item for item in self.items if item.first < first)
        if kept and kept[-1].provider == provider:
            return Assignments(kept)
        return Assignments((*kept, Assignment(provider, first)))
